export interface Spark {
  line: string
  /** Where a value is missing, as short strokes at the bottom. */
  gaps: string
}

/** In a network of one's own a millisecond more or less says nothing. */
const LEAST_SPAN = 5

/** A small line through values, oldest first; the highest touches the top. Null makes a gap. */
export function sparkPaths(values: (number | null)[], width: number, height: number): Spark {
  const known = values.filter((value) => value !== null)
  const top = Math.max(...known, 0)
  const bottom = Math.min(...known, top)
  const step = values.length > 1 ? width / (values.length - 1) : 0
  // A line that hardly moves stays in the middle instead of looking wild.
  const span = Math.max(top - bottom, top * 0.2, LEAST_SPAN)
  const middle = (top + bottom) / 2
  const round = (value: number) => Math.round(value * 10) / 10
  let line = ''
  let gaps = ''
  values.forEach((value, index) => {
    const x = round(index * step)
    if (value === null) {
      gaps += `M${x} ${height}v${-Math.round(height / 3)}`
      return
    }
    const y = round(height / 2 - ((value - middle) / span) * (height - 2))
    const before = values[index - 1] ?? null
    const after = values[index + 1] ?? null
    line += `${before === null ? 'M' : 'L'}${x} ${y}`
    // A value between two gaps would be a line of no length, which nobody sees.
    if (before === null && after === null) line += `h1`
  })
  return { line, gaps }
}
