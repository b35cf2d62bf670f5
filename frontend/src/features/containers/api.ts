import { address, request } from '@/api/client'
import type {
  Container,
  ContainerDetail,
  ContainerPage,
  LogTail,
  TransitionPage,
  UptimeDays,
} from '@/api/types'

const PAGE_SIZE = 500

export interface ContainerList {
  containers: Container[]
  /** Which group the server put each container in, and from where it took the name. */
  groupOf: Map<number, string>
  archivedCount: number
}

/** The whole list, page after page. */
export async function listContainers(archived = false): Promise<ContainerList> {
  const list: ContainerList = { containers: [], groupOf: new Map(), archivedCount: 0 }
  for (let offset = 0; ; offset += PAGE_SIZE) {
    const page = await request<ContainerPage>('GET', '/containers', { query: { limit: PAGE_SIZE, offset, archived } })
    for (const group of page.groups) {
      for (const container of group.containers) {
        list.containers.push(container)
        list.groupOf.set(container.id, group.name)
      }
    }
    list.archivedCount = page.archived_count
    if (!page.has_more) return list
  }
}

export function getContainer(id: number): Promise<ContainerDetail> {
  return request('GET', `/containers/${id}`)
}

export function deleteContainer(id: number): Promise<void> {
  return request('DELETE', `/containers/${id}`)
}

export function listTransitions(id: number, since: string, offset: number, limit: number): Promise<TransitionPage> {
  return request('GET', `/containers/${id}/transitions`, { query: { since, offset, limit } })
}

export function getLogs(id: number, lines: number, timestamps: boolean): Promise<LogTail> {
  return request('GET', `/containers/${id}/logs`, { query: { lines, timestamps } })
}

export function logStreamAddress(id: number, lines: number): string {
  return address(`/containers/${id}/logs/stream`, { lines })
}

export function getUptimeDays(days: number): Promise<UptimeDays> {
  return request('GET', '/dashboard/uptime', { query: { type: 'container', days } })
}
