import { request } from '@/api/client'
import type { DeliveryPage } from '@/features/channels/types'
import type { ActiveAlerts, Alert, AlertPage, NewSilence, Silence, SilencePage } from '@/api/types'

export const listActive = () =>
  request<ActiveAlerts>('GET', '/alerts/active', { query: { include_acknowledged: true } })

/** Ended ones only; `beforeId` is the cursor that the page before gave. */
export const listResolved = (beforeId?: number) =>
  request<AlertPage>('GET', '/alerts', { query: { status: 'resolved', limit: 50, before_id: beforeId } })

export const listSilenced = () => request<AlertPage>('GET', '/alerts', { query: { status: 'silenced', limit: 200 } })

export const getAlert = (id: number) => request<Alert>('GET', `/alerts/${id}`)

/** What an alert has caused. */
export const listCaused = (id: number) => request<AlertPage>('GET', '/alerts', { query: { cause_id: id, limit: 200 } })

export const listDeliveries = (id: number, offset: number) =>
  request<DeliveryPage>('GET', `/alerts/${id}/deliveries`, { query: { limit: 20, offset } })

export const acknowledge = (id: number) => request<Alert>('POST', `/alerts/${id}/acknowledge`, { body: {} })

export const listSilences = () => request<SilencePage>('GET', '/silence')

export const createSilence = (body: NewSilence) => request<Silence>('POST', '/silence', { body })

export const cancelSilence = (id: number) => request<void>('DELETE', `/silence/${id}`)
