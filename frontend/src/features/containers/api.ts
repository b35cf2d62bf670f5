import { address, request } from '@/api/client'
import type {
  Container,
  ContainerDetail,
  ContainerPage,
  LogTail,
  TransitionPage,
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

/** Whose logs: of one container, or of all in a group. */
export type LogSource = { id: number } | { group: string }
type LogQuery = Record<string, string>

export function getLogs(id: number, lines: number, query: LogQuery = {}): Promise<LogTail> {
  return request('GET', `/containers/${id}/logs`, { query: { lines, details: true, ...query } })
}

export function logStreamAddress(source: LogSource, lines: number, query: LogQuery): string {
  return 'id' in source
    ? address(`/containers/${source.id}/logs/stream`, { lines, ...query })
    : address('/containers/logs/stream', { group: source.group, lines, ...query })
}

export function logDownloadAddress(id: number, query: LogQuery): string {
  return address(`/containers/${id}/logs/download`, { timestamps: true, ...query })
}
