import { queryText } from '@/lib/query'
import { hasEveryWord } from '@/lib/text'
import { nameOf, STANDINGS, standingOf, type Standing } from './standing'
import { ENDPOINT_SOURCES, ENDPOINT_TYPES, type Endpoint, type EndpointSource, type EndpointType } from './types'

/** What the list shows; it lives in the address, so that a filtered list can be linked and comes back. */
export interface EndpointFilter {
  search: string
  standings: Standing[]
  type: EndpointType | null
  source: EndpointSource | null
}

export function filterFromQuery(query: Record<string, unknown>): EndpointFilter {
  const standings = queryText(query.status).split(',')
  return {
    search: queryText(query.q),
    standings: STANDINGS.filter((name) => standings.includes(name)),
    type: ENDPOINT_TYPES.find((name) => name === queryText(query.type)) ?? null,
    source: ENDPOINT_SOURCES.find((name) => name === queryText(query.source)) ?? null,
  }
}

/** Only what differs from the plain list is written. */
export function filterToQuery(filter: EndpointFilter): Record<string, string> {
  const query: Record<string, string> = {}
  if (filter.search) query.q = filter.search
  if (filter.standings.length) query.status = filter.standings.join(',')
  if (filter.type) query.type = filter.type
  if (filter.source) query.source = filter.source
  return query
}

export function isFiltering(filter: EndpointFilter): boolean {
  return Object.keys(filterToQuery(filter)).length > 0
}

/** Every word of the search must be found in the name, the target, the container, its group or its host. */
export function matches(endpoint: Endpoint, filter: EndpointFilter): boolean {
  if (filter.standings.length && !filter.standings.includes(standingOf(endpoint))) return false
  if (filter.type && endpoint.endpoint_type !== filter.type) return false
  if (filter.source && endpoint.source !== filter.source) return false
  if (!filter.search) return true
  const { target, container_name, orchestration_group: group, host } = endpoint
  return hasEveryWord([nameOf(endpoint), target, container_name, group, host].join(' '), filter.search)
}
