import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { ApiError } from '@/api/client'
import type { Session, User } from '@/api/types'
import { getSession, signOut } from './api'

/** Who is signed in. */
export const useSession = defineStore('session', () => {
  const session = shallowRef<Session | null>(null)
  const user = computed(() => session.value?.user ?? null)
  const canEdit = computed(() => user.value !== null && user.value.role !== 'viewer')
  const canSignOut = computed(() => session.value?.via === 'session')

  /** True when somebody is signed in. Throws when the server cannot say. */
  async function restore(): Promise<boolean> {
    if (session.value) return true
    try {
      session.value = await getSession()
      return true
    } catch (cause) {
      if (cause instanceof ApiError && cause.status === 401) return false
      throw cause
    }
  }

  function begin(signedIn: User) {
    session.value = { user: signedIn, via: 'session' }
  }

  function forget() {
    session.value = null
  }

  async function leave() {
    await signOut()
    forget()
  }

  return { user, canEdit, canSignOut, restore, begin, forget, leave }
})
