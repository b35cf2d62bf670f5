/** How this feature speaks of spans of time and of schedules. Pure: the caller translates and says what time it is. */
import type { Heartbeat } from './types'

export type Translate = (key: string, values: Record<string, unknown> | number) => string

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const WEEK = 7 * DAY

const UNITS = [['d', DAY], ['h', HOUR], ['min', MINUTE], ['s', 1]] as const

function joined(seconds: number, units: (typeof UNITS)[number][], most: number, t: Translate): string {
  let rest = Math.max(0, Math.floor(seconds))
  const parts: [string, number][] = []
  for (const [name, size] of units) {
    const n = Math.floor(rest / size)
    rest -= n * size
    // What follows the greatest unit is the next smaller one, even when there is none of it.
    if (n || parts.length) parts.push([name, n])
  }
  const shown = parts.slice(0, most).filter(([, n]) => n > 0)
  return shown.length ? shown.map(([name, n]) => t(`length.${name}`, { n })).join(' ') : t('length.s', { n: 0 })
}

/** "12 s", "3 min", "2 h 10 min": as exact as a countdown needs to be. */
export function lengthOf(seconds: number, t: Translate): string {
  return joined(seconds, [...UNITS], seconds < HOUR ? 1 : 2, t)
}

/** A length that somebody chose, in full: "1 h 30 min". Only whole days are days. */
export function exactLength(seconds: number, t: Translate): string {
  const units = UNITS.filter(([name]) => name !== 'd' || seconds % DAY === 0)
  return joined(seconds, units, units.length, t)
}

type Timed = Pick<Heartbeat, 'schedule' | 'interval_seconds' | 'timezone'>

/** "every 5 min", "every day". A schedule has no words but its own. */
export function everyText({ schedule, interval_seconds: seconds }: Timed, t: Translate): string {
  if (schedule) return schedule
  if (seconds === WEEK) return t('heartbeat.every_week', {})
  if (seconds % DAY === 0) return t('heartbeat.every_days', seconds / DAY)
  if (seconds === HOUR) return t('heartbeat.every_hour', {})
  if (seconds === MINUTE) return t('heartbeat.every_minute', {})
  return t('heartbeat.every', { length: exactLength(seconds, t) })
}
