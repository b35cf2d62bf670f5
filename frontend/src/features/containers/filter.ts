import { CONTAINER_STATES, HEALTH_STATUSES, type Container, type ContainerState, type HealthStatus } from '@/api/types'
import { queryText } from '@/lib/query'
import { hasEveryWord } from '@/lib/text'
import { problemOf } from './problems'

/** What the containers page shows; it lives in the address, so that a filtered list can be linked and comes back. */
export interface ContainerFilter {
  search: string
  states: ContainerState[]
  health: HealthStatus | null
  group: string | null
  problems: boolean
  archived: boolean
}

type Query = Record<string, unknown>

export function filterFromQuery(query: Query): ContainerFilter {
  const states = queryText(query.state).split(',')
  return {
    search: queryText(query.q),
    states: CONTAINER_STATES.filter((state) => states.includes(state)),
    health: HEALTH_STATUSES.find((health) => health === queryText(query.health)) ?? null,
    group: queryText(query.group) || null,
    problems: queryText(query.problems) === '1',
    archived: queryText(query.archived) === '1',
  }
}

/** Only what differs from the plain list is written. */
export function filterToQuery(filter: ContainerFilter): Record<string, string> {
  const query: Record<string, string> = {}
  if (filter.search) query.q = filter.search
  if (filter.states.length) query.state = filter.states.join(',')
  if (filter.health) query.health = filter.health
  if (filter.group) query.group = filter.group
  if (filter.problems) query.problems = '1'
  if (filter.archived) query.archived = '1'
  return query
}

export function isFiltering(filter: ContainerFilter): boolean {
  return Object.keys(filterToQuery({ ...filter, archived: false })).length > 0
}

/** Every word of the search must be found in the name, the image, the group or the host. */
export function matches(container: Container, filter: ContainerFilter, group: string): boolean {
  if (filter.problems && !problemOf(container)) return false
  if (filter.states.length && !filter.states.includes(container.state)) return false
  if (filter.health && container.health_status !== filter.health) return false
  if (filter.group && group !== filter.group) return false
  return !filter.search || hasEveryWord(`${container.name} ${container.image} ${group} ${container.host}`, filter.search)
}
