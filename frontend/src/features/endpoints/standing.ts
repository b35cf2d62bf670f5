import type { Tone } from '@/lib/tone'
import type { Mark } from '@/ui/marks'
import type { Endpoint, EndpointStatus } from './types'

/** What is shown of an endpoint: what its last check found, unless it is not checked at all. */
export const STANDINGS = ['down', 'degraded', 'up', 'unknown', 'paused', 'suspended'] as const
export type Standing = EndpointStatus | 'paused' | 'suspended'

type Standable = Pick<Endpoint, 'status' | 'paused' | 'suspended' | 'alert_state' | 'active'>

export function standingOf(endpoint: Pick<Endpoint, 'status' | 'paused' | 'suspended'>): Standing {
  if (endpoint.paused) return 'paused'
  return endpoint.suspended ? 'suspended' : endpoint.status
}

export const STANDING_TONES: Record<Standing, Tone> = {
  up: 'ok',
  degraded: 'warn',
  down: 'bad',
  unknown: 'idle',
  paused: 'info',
  suspended: 'idle',
}

export const STANDING_MARKS: Record<Standing, Mark> = {
  up: 'disc',
  degraded: 'triangle',
  down: 'square',
  unknown: 'ring',
  paused: 'pause',
  suspended: 'pause',
}

/** Whether somebody should look at it. An alert that still rings counts, even while it seems to recover. */
export function isInTrouble(endpoint: Standable): boolean {
  const standing = standingOf(endpoint)
  if (!endpoint.active || standing === 'paused' || standing === 'suspended') return false
  return standing === 'down' || standing === 'degraded' || endpoint.alert_state === 'alerting'
}

const RANK: Record<Standing, number> = { down: 1, degraded: 3, unknown: 4, up: 5, suspended: 6, paused: 7 }

function rank(endpoint: Standable): number {
  const place = RANK[standingOf(endpoint)]
  if (!isInTrouble(endpoint) || endpoint.alert_state !== 'alerting') return place
  return place === RANK.down ? 0 : 2
}

const byName = new Intl.Collator(undefined, { numeric: true })

/** What alerts and people call it: its own name, else its container's, else what it checks. */
export function nameOf(endpoint: Pick<Endpoint, 'name' | 'container_name' | 'target'>): string {
  return endpoint.name || endpoint.container_name || endpoint.target
}

/** Those in trouble first, the worst of them on top; then by name. */
export function inOrder(endpoints: Iterable<Endpoint>): Endpoint[] {
  return [...endpoints].sort(
    (a, b) => rank(a) - rank(b) || byName.compare(nameOf(a), nameOf(b)) || byName.compare(a.target, b.target) || a.id - b.id,
  )
}
