import { request } from '@/api/client'
import type {
  ExecutionPage,
  Heartbeat,
  HeartbeatChange,
  HeartbeatDays,
  HeartbeatDetail,
  HeartbeatListPage,
  HeartbeatStatus,
  NewHeartbeat,
  PingKey,
  PingPage,
  SchedulePreview,
} from './types'

const PAGE_SIZE = 500
/** There may be far more than anybody wants in a browser. */
export const MOST_LOADED = 5000

interface Read {
  heartbeats: Heartbeat[]
  total: number
}

/** The newest of them, page after page, and how many there are in all. */
async function readPages(status?: HeartbeatStatus): Promise<Read> {
  const all: Heartbeat[] = []
  for (;;) {
    const query = { status, limit: PAGE_SIZE, offset: all.length }
    const { heartbeats, has_more, total } = await request<HeartbeatListPage>('GET', '/heartbeats', { query })
    all.push(...heartbeats)
    if (!has_more || !heartbeats.length || all.length >= MOST_LOADED) return { heartbeats: all, total }
  }
}

/** The newest, and when there are too many of them, those that are down all the same. */
export async function listHeartbeats(): Promise<Read> {
  const newest = await readPages()
  if (newest.total <= newest.heartbeats.length) return newest
  const known = new Set(newest.heartbeats.map(({ id }) => id))
  const down = (await readPages('down')).heartbeats.filter(({ id }) => !known.has(id))
  return { heartbeats: [...newest.heartbeats, ...down], total: newest.total }
}

export const getHeartbeat = (id: number) => request<HeartbeatDetail>('GET', `/heartbeats/${id}`)
export const createHeartbeat = (body: NewHeartbeat) => request<Heartbeat>('POST', '/heartbeats', { body })
export const changeHeartbeat = (id: number, body: HeartbeatChange) => request<Heartbeat>('PUT', `/heartbeats/${id}`, { body })
export const deleteHeartbeat = (id: number) => request<void>('DELETE', `/heartbeats/${id}`)
export const pauseHeartbeat = (id: number) => request<Heartbeat>('POST', `/heartbeats/${id}/pause`)
export const resumeHeartbeat = (id: number) => request<Heartbeat>('POST', `/heartbeats/${id}/resume`)
export const rotateHeartbeat = (id: number) => request<Heartbeat>('POST', `/heartbeats/${id}/rotate`)

export const listExecutions = (id: number, offset: number) =>
  request<ExecutionPage>('GET', `/heartbeats/${id}/executions`, { query: { limit: 20, offset } })

export const listPings = (id: number, offset: number) =>
  request<PingPage>('GET', `/heartbeats/${id}/pings`, { query: { limit: 20, offset } })

export const getHeartbeatDays = (id: number, days: number) =>
  request<HeartbeatDays>('GET', `/heartbeats/${id}/uptime/daily`, { query: { days } })

export const previewSchedule = (schedule: string, timezone: string) =>
  request<SchedulePreview>('GET', '/heartbeats/preview', { query: { schedule, timezone } })

export const getPingKey = () => request<PingKey>('GET', '/heartbeats/ping-key')
export const rotatePingKey = () => request<PingKey>('POST', '/heartbeats/ping-key/rotate')
