import type { Heartbeat } from './types'
import { lengthOf, type Translate } from './length'

/** How the next report stands: still to come, late but within its grace, or missed. */
export interface Wait {
  kind: 'coming' | 'late' | 'missed'
  /** Until it is expected, or since it was. */
  seconds: number
}

type Awaited = Pick<Heartbeat, 'status' | 'next_expected_at' | 'next_deadline_at'>

/** Null when nobody waits. */
export function waitOf({ status, next_expected_at: expected, next_deadline_at: deadline }: Awaited, now: number): Wait | null {
  if (status === 'paused' || !expected || !deadline) return null
  const seconds = Math.floor(Math.abs(Date.parse(expected) - now) / 1000)
  if (now < Date.parse(expected)) return { kind: 'coming', seconds }
  return { kind: now <= Date.parse(deadline) ? 'late' : 'missed', seconds }
}

/** "in 3 min", "late by 12 s"; nothing when nobody waits. */
export function waitText(wait: Wait | null, t: Translate): string {
  if (!wait) return ''
  return t(wait.kind === 'coming' ? 'heartbeat.in' : 'heartbeat.late_by', { length: lengthOf(wait.seconds, t) })
}

/** A ping beside its time: how much early or late it came, and whether that was too late. */
export function punctuality(at: string, expectedAt: string, deadlineAt: string | null): { seconds: number; kind: 'early' | 'late' | 'missed' } {
  const ms = Date.parse(at) - Date.parse(expectedAt)
  const isMissed = deadlineAt !== null && Date.parse(at) > Date.parse(deadlineAt)
  return { seconds: Math.floor(Math.abs(ms) / 1000), kind: isMissed ? 'missed' : ms > 0 ? 'late' : 'early' }
}
