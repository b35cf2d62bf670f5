/** Days as drawn bars. Height tells what colour tells: full is fine, lower is worse, a stub is a day without data. */
export type DayTone = 'ok' | 'warn' | 'bad' | 'none'

export function dayTone(percent: number | null): DayTone {
  if (percent === null) return 'none'
  if (percent >= 99.9) return 'ok'
  return percent >= 95 ? 'warn' : 'bad'
}

const HEIGHTS: Record<DayTone, number> = { ok: 1, warn: 0.72, bad: 0.44, none: 0.14 }

/** One path per tone instead of one element per day: a long list of these stays light. */
export function barPaths(days: (number | null)[], step: number, bar: number, height: number): Record<DayTone, string> {
  const paths: Record<DayTone, string> = { ok: '', warn: '', bad: '', none: '' }
  days.forEach((percent, index) => {
    const tone = dayTone(percent)
    const tall = Math.round(height * HEIGHTS[tone])
    paths[tone] += `M${index * step} ${height - tall}h${bar}v${tall}h-${bar}z`
  })
  return paths
}

/** The latest `count` days, with a day without data for each that is not known. */
export function lastDays(days: (number | null)[] | null | undefined, count: number): (number | null)[] {
  const known = (days ?? []).slice(-count)
  return [...Array<null>(count - known.length).fill(null), ...known]
}

export interface UptimeSummary {
  average: number | null
  known: number
  troubled: number
}

export function summarise(days: (number | null)[]): UptimeSummary {
  const known = days.filter((percent) => percent !== null)
  const sum = known.reduce((total, percent) => total + percent, 0)
  return {
    average: known.length ? sum / known.length : null,
    known: known.length,
    troubled: known.filter((percent) => dayTone(percent) !== 'ok').length,
  }
}
