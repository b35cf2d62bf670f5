/** How the app speaks of time. Everything here is pure: the caller says what time it is and in which language. */
const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * DAY],
  ['month', 30 * DAY],
  ['day', DAY],
  ['hour', HOUR],
  ['minute', MINUTE],
]

const relativeFormats = new Map<string, Intl.RelativeTimeFormat>()
const dateFormats = new Map<string, Intl.DateTimeFormat>()

/** "3 minutes ago", "yesterday"; under a minute it is simply "now". */
export function relative(instant: string, now: number, locale: string): string {
  const seconds = (Date.parse(instant) - now) / 1000
  let format = relativeFormats.get(locale)
  if (!format) relativeFormats.set(locale, (format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })))
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit)
  }
  return format.format(0, 'second')
}

/** "4d 2h", "12m", "40s": two units at most, for narrow columns. */
export function shortDuration(totalSeconds: number): string {
  const seconds = Math.max(0, Math.floor(totalSeconds))
  const parts: [string, number][] = [
    ['d', Math.floor(seconds / DAY)],
    ['h', Math.floor((seconds % DAY) / HOUR)],
    ['m', Math.floor((seconds % HOUR) / MINUTE)],
    ['s', seconds % MINUTE],
  ]
  const first = parts.findIndex(([, value]) => value > 0)
  if (first === -1) return '0s'
  return parts
    .slice(first, first + 2)
    .filter(([, value]) => value > 0)
    .map(([unit, value]) => `${value}${unit}`)
    .join(' ')
}

function dateFormat(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options)
  let format = dateFormats.get(key)
  if (!format) dateFormats.set(key, (format = new Intl.DateTimeFormat(locale, options)))
  return format
}

/** The full instant in the reader's zone, seconds included. */
export function absolute(instant: string, locale: string): string {
  return dateFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' }).format(Date.parse(instant))
}

export function clock(instant: string, locale: string): string {
  return dateFormat(locale, { timeStyle: 'medium' }).format(Date.parse(instant))
}

/** The hour of a log line in the reader's zone, to the millisecond; every line has the same width. */
export function lineClock(instant: string): string {
  const at = new Date(instant)
  const two = (value: number) => String(value).padStart(2, '0')
  const milliseconds = String(at.getMilliseconds()).padStart(3, '0')
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${milliseconds}`
}

/** A point in the past after the word "since": the hour alone when it was today. */
export function moment(instant: string, now: number, locale: string): string {
  const isToday = new Date(instant).toDateString() === new Date(now).toDateString()
  const options: Intl.DateTimeFormatOptions = isToday
    ? { timeStyle: 'short' }
    : { day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' }
  return dateFormat(locale, options).format(Date.parse(instant))
}

export function dayName(instant: string, locale: string): string {
  return dateFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' }).format(Date.parse(instant))
}

/** The calendar day `back` days before `day` ("2026-11-23"), as "12 Nov". Days of the server are days in UTC. */
export function dayBefore(day: string, back: number, locale: string): string {
  const instant = Date.parse(`${day}T00:00:00Z`) - back * DAY * 1000
  return dateFormat(locale, { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(instant)
}

export function percent(value: number, locale: string): string {
  // 99.996 % must not read as a perfect 100 %.
  const shown = value < 100 && value > 99.99 ? 99.99 : value
  return new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 2 }).format(shown / 100)
}

/** "12 ms", "1.4 s": as exact as anybody wants to know; what took less than a millisecond still took some time. */
export function milliseconds(ms: number, locale: string): string {
  return ms < 1 ? `<\u00a0${axisMilliseconds(1, locale)}` : axisMilliseconds(ms, locale)
}

/** A mark on an axis of milliseconds, which begins with nothing. */
export function axisMilliseconds(ms: number, locale: string): string {
  const inSeconds = ms >= 1000
  const digits = inSeconds ? (ms < 10_000 ? 2 : 1) : ms < 10 ? 1 : 0
  const figure = new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(inSeconds ? ms / 1000 : ms)
  return `${figure}\u00a0${inSeconds ? 's' : 'ms'}`
}

/** A duration of the server without what says nothing: "1m0s" is 1m, "1h0m0s" is 1h. */
export function tidyDuration(text: string): string {
  const parts = text.match(/[\d.]+[a-zµ]+/g)?.filter((part) => parseFloat(part) > 0)
  return parts?.length ? parts.join('') : text
}

const TWO_DAYS_MS = 2 * DAY * 1000

/** A mark on an axis of time that spans `span` milliseconds: the hour, or the day when there are many. */
export function axisTime(at: number, span: number, locale: string): string {
  const options: Intl.DateTimeFormatOptions =
    span <= TWO_DAYS_MS ? { hour: 'numeric', minute: '2-digit' } : { day: 'numeric', month: 'short' }
  return dateFormat(locale, options).format(at)
}
