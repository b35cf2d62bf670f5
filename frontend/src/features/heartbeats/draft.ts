import type { Heartbeat, HeartbeatChange, NewHeartbeat } from './types'

const SIZES = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 } as const
export type Unit = keyof typeof SIZES
export const UNITS = Object.keys(SIZES) as Unit[]

/** A length as people type it; without an amount there is none. */
export interface Span {
  amount: string
  unit: Unit
}

export const KINDS = ['interval', 'schedule'] as const
export type Kind = (typeof KINDS)[number]

/** A heartbeat as the form holds it. */
export interface Draft {
  name: string
  kind: Kind
  interval: Span
  schedule: string
  timezone: string
  grace: Span
  longest: Span
  expected: string
  /** With commas between them. */
  tags: string
  slug: string
  postOnly: boolean
  /** A word, or several that belong together, on each line. */
  start: string
  success: string
  failure: string
}

/** Those that are chosen with a click, in seconds. */
export const INTERVALS = [60, 300, 900, 3600, 86_400, 604_800] as const
/** Examples to begin with; the last is one of systemd's. Their names are in the locale files. */
export const SCHEDULES = {
  hourly: '0 * * * *',
  nightly: '0 2 * * *',
  workdays: '0 9 * * 1-5',
  weekly: '0 3 * * 0',
  monthly: '0 4 1 * *',
  calendar: 'Mon..Fri *-*-* 18:30',
} as const
export type ScheduleName = keyof typeof SCHEDULES

const USUAL = { interval: 300, grace: 60 }

/** In the greatest unit that leaves a whole number. */
export function spanOf(seconds: number | null): Span {
  if (seconds === null) return { amount: '', unit: 'minutes' }
  if (seconds === 0) return { amount: '0', unit: 'minutes' }
  const unit = UNITS.findLast((name) => seconds % SIZES[name] === 0) ?? 'seconds'
  return { amount: String(seconds / SIZES[unit]), unit }
}

export function secondsOf({ amount, unit }: Span): number | null {
  const text = amount.trim()
  return text ? Math.round(Number(text) * SIZES[unit]) : null
}

export const zoneHere = () => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'

export function draftOf(heartbeat: Heartbeat | null): Draft {
  const isScheduled = heartbeat?.schedule != null
  return {
    name: heartbeat?.name ?? '',
    kind: isScheduled ? 'schedule' : 'interval',
    interval: spanOf(heartbeat && !isScheduled ? heartbeat.interval_seconds : USUAL.interval),
    schedule: heartbeat?.schedule ?? '',
    timezone: isScheduled ? heartbeat.timezone : zoneHere(),
    grace: spanOf(heartbeat?.grace_seconds ?? USUAL.grace),
    longest: spanOf(heartbeat?.max_duration_seconds ?? null),
    expected: String(heartbeat?.expected_pings ?? 1),
    tags: heartbeat?.tags.join(', ') ?? '',
    slug: heartbeat?.slug ?? '',
    postOnly: heartbeat?.post_only ?? false,
    start: heartbeat?.start_keywords.join('\n') ?? '',
    success: heartbeat?.success_keywords.join('\n') ?? '',
    failure: heartbeat?.failure_keywords.join('\n') ?? '',
  }
}

const parts = (text: string, separator: RegExp | string) => text.split(separator).map((part) => part.trim()).filter(Boolean)

function timing(draft: Draft): HeartbeatChange {
  if (draft.kind === 'schedule') return { schedule: draft.schedule.trim(), timezone: draft.timezone.trim() }
  return { schedule: null, interval_seconds: secondsOf(draft.interval) }
}

function whole(draft: Draft): HeartbeatChange {
  return {
    name: draft.name.trim(),
    ...timing(draft),
    grace_seconds: secondsOf(draft.grace) ?? 0,
    max_duration_seconds: secondsOf(draft.longest),
    expected_pings: Number(draft.expected.trim() || 1),
    tags: parts(draft.tags, ','),
    // An empty one follows from the name, or stays what it was.
    ...(draft.slug.trim() && { slug: draft.slug.trim() }),
    post_only: draft.postOnly,
    start_keywords: parts(draft.start, '\n'),
    success_keywords: parts(draft.success, '\n'),
    failure_keywords: parts(draft.failure, '\n'),
  }
}

function differences(after: HeartbeatChange, before: HeartbeatChange): HeartbeatChange {
  const known = before as Record<string, unknown>
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(known[name])))
}

/** What the server does not take for granted. */
export function bodyOf(draft: Draft): NewHeartbeat {
  const usual: HeartbeatChange = {
    schedule: null, max_duration_seconds: null, expected_pings: 1, tags: [], post_only: false,
    start_keywords: [], success_keywords: [], failure_keywords: [],
  }
  return { ...differences(whole(draft), usual), name: draft.name.trim() }
}

/** What differs from `heartbeat`; what nobody touched is not sent. */
export const changeOf = (draft: Draft, heartbeat: Heartbeat): HeartbeatChange => differences(whole(draft), whole(draftOf(heartbeat)))

/** After how many seconds of silence it rings; null when that is not by interval, or not yet typed. */
export function silenceOf(draft: Draft): number | null {
  const interval = secondsOf(draft.interval)
  return draft.kind === 'interval' && interval ? interval + (secondsOf(draft.grace) ?? 0) : null
}
