import type { ResponsePoint, ResponseTimes } from './types'

export const VIEWS = ['percentiles', 'phases'] as const
export type View = (typeof VIEWS)[number]

export const PHASES = ['dns', 'connect', 'tls', 'first_byte'] as const
export type Phase = (typeof PHASES)[number]

/** The colours of the page by name; the chart asks for their values when it draws. */
export const PHASE_COLOURS: Record<Phase, string> = {
  dns: '--series-1',
  connect: '--series-2',
  tls: '--series-3',
  first_byte: '--series-4',
}

export interface Line {
  values: (number | null)[]
  colour: string
  filled: boolean
}

export interface ChartData {
  /** Unix seconds. */
  x: number[]
  /** The step behind each x; null where there was none. */
  points: (ResponsePoint | null)[]
  lines: Line[]
  /** Which part of the checks failed, 0 to 1. */
  failed: number[]
}

/** What the chart draws. Steps without checks break the lines. */
export function chartData(times: ResponseTimes, view: View): ChartData {
  const x: number[] = []
  const points: (ResponsePoint | null)[] = []
  for (const point of times.points) {
    const at = Date.parse(point.timestamp) / 1000
    const before = x.at(-1)
    if (before !== undefined && at - before > times.step_seconds * 1.5) {
      x.push(before + times.step_seconds)
      points.push(null)
    }
    x.push(at)
    points.push(point)
  }
  return {
    x,
    points,
    lines: view === 'phases' ? stack(points) : percentiles(points),
    failed: points.map((point) => (point?.checks ? point.failures / point.checks : 0)),
  }
}

function percentiles(points: (ResponsePoint | null)[]): Line[] {
  return [
    { values: points.map((point) => point?.p95_ms ?? null), colour: '--series-2', filled: false },
    { values: points.map((point) => point?.p50_ms ?? null), colour: '--series-1', filled: true },
  ]
}

/** Each phase on top of those before it; the whole first, so that the lower ones are drawn over it. */
function stack(points: (ResponsePoint | null)[]): Line[] {
  const heights = points.map((point) => {
    if (!point || PHASES.every((phase) => point[`${phase}_ms`] === null)) return null
    let sum = 0
    return PHASES.map((phase) => (sum += point[`${phase}_ms`] ?? 0))
  })
  return PHASES.map((phase, index) => ({
    values: heights.map((height) => height?.[index] ?? null),
    colour: PHASE_COLOURS[phase],
    filled: true,
  })).reverse()
}

/** From when to when the axis goes: the whole range, so that a young endpoint does not look old. */
export function span(times: ResponseTimes, now: number): [number, number] {
  const HOURS: Record<ResponseTimes['range'], number> = { '1h': 1, '24h': 24, '7d': 168, '30d': 720, '90d': 2160 }
  const end = now / 1000
  return [end - HOURS[times.range] * 3600, end]
}
