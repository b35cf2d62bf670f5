import { onScopeDispose, readonly, ref, watch } from 'vue'
import { request } from '@/api/client'
import { liveStatus } from '@/live/live'

const FRESH_MS = 10 * 60_000

/**
 * Whether the server is another version than the one this page came from. The page is as old as the first answer it
 * got; it asks again when the server was away, and when somebody comes back to it after a while.
 */
export function useVersion() {
  const own = ref<string | null>(null)
  const newer = ref<string | null>(null)
  let askedAt = 0

  async function ask() {
    askedAt = Date.now()
    try {
      const { version } = await request<{ version: string }>('GET', '/health')
      own.value ??= version
      newer.value = version === own.value ? null : version
    } catch {
      // The live dot tells that the server is away; when it is back, this is asked again.
    }
  }

  function askOnReturn() {
    if (document.visibilityState === 'visible' && Date.now() - askedAt >= FRESH_MS) void ask()
  }

  watch(liveStatus, (now, before) => now === 'connected' && before === 'reconnecting' && void ask())
  document.addEventListener('visibilitychange', askOnReturn)
  window.addEventListener('focus', askOnReturn)
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', askOnReturn)
    window.removeEventListener('focus', askOnReturn)
  })
  void ask()

  return { own: readonly(own), newer: readonly(newer) }
}
