import { queryText } from '@/lib/query'
import { hasEveryWord } from '@/lib/text'
import { HEARTBEAT_STATUSES, type Heartbeat, type HeartbeatStatus } from './types'

/** What the list shows; it lives in the address. */
export interface HeartbeatFilter {
  search: string
  statuses: HeartbeatStatus[]
  tag: string
}

export function filterFromQuery(query: Record<string, unknown>): HeartbeatFilter {
  const statuses = queryText(query.status).split(',')
  return {
    search: queryText(query.q),
    statuses: HEARTBEAT_STATUSES.filter((name) => statuses.includes(name)),
    tag: queryText(query.tag),
  }
}

export function filterToQuery(filter: HeartbeatFilter): Record<string, string> {
  return {
    ...(filter.search && { q: filter.search }),
    ...(filter.statuses.length && { status: filter.statuses.join(',') }),
    ...(filter.tag && { tag: filter.tag }),
  }
}

export const isFiltering = (filter: HeartbeatFilter) => Object.keys(filterToQuery(filter)).length > 0

/** Every word of the search must be found in the name, the slug, a tag or the schedule. */
export function matches(heartbeat: Heartbeat, filter: HeartbeatFilter): boolean {
  if (filter.statuses.length && !filter.statuses.includes(heartbeat.status)) return false
  if (filter.tag && !heartbeat.tags.includes(filter.tag)) return false
  if (!filter.search) return true
  const { name, slug, tags, schedule } = heartbeat
  return hasEveryWord([name, slug, ...tags, schedule].join(' '), filter.search)
}

/** Every tag that is in use, in order. */
export function tagsOf(heartbeats: Heartbeat[]): string[] {
  return [...new Set(heartbeats.flatMap(({ tags }) => tags))].sort((a, b) => a.localeCompare(b))
}
