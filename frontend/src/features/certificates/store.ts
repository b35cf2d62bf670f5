import { defineStore } from 'pinia'
import { computed, ref, shallowReactive, shallowRef } from 'vue'
import type { ApiError } from '@/api/client'
import { useLateReads } from '@/live/late'
import { onLive } from '@/live/live'
import { getCertificate, listCertificates } from './api'
import { inOrder, isInTrouble } from './standing'
import type { CertificateItem } from './types'

/** Every watched certificate, kept current by events. */
export const useCertificates = defineStore('certificates', () => {
  const byId = shallowReactive(new Map<number, CertificateItem>())
  const loaded = ref(false)
  const error = shallowRef<ApiError | null>(null)

  const all = computed(() => inOrder(byId.values()))
  const troubled = computed(() => all.value.filter(isInTrouble))

  async function readAll() {
    try {
      const list = await listCertificates()
      byId.clear()
      list.forEach(put)
      loaded.value = true
      error.value = null
    } catch (cause) {
      error.value = cause as ApiError
    }
  }

  async function readOne(id: number) {
    const { certificate, latest_check } = await getCertificate(id)
    put({ ...certificate, latest_check })
  }

  function put(certificate: CertificateItem) {
    byId.set(certificate.id, certificate)
  }

  const forget = (id: number) => void byId.delete(id)
  const { load, readSoon } = useLateReads({ readOne, readAll, forget })

  for (const name of ['created', 'updated', 'check_completed', 'status_changed', 'alert', 'recovery'] as const) {
    onLive(`certificate.${name}`, (event) => readSoon(event.monitor_id))
  }
  onLive('certificate.deleted', (event) => forget(event.monitor_id))
  onLive('sync.required', () => void load())

  return { byId, all, troubled, loaded, error, load, put, forget }
})
