import { stripAnsi } from '@/lib/ansi'

export const MAX_LINES = 2000

export interface LogLine {
  key: number
  text: string
  stream: 'stdout' | 'stderr'
  /** As the engine wrote it, with nanoseconds; null for lines that were read without one. */
  at: string | null
  partial: boolean
}

export interface StreamedLine {
  line: string
  stream: 'stdout' | 'stderr'
  timestamp: string | null
  partial: boolean
}

let nextKey = 0

/** Adds lines at the end and drops the oldest; a partial line is completed by the next one of its stream. */
export function appendLines(known: LogLine[], arrived: StreamedLine[]): LogLine[] {
  const lines = known.slice()
  for (const { line, stream, timestamp, partial } of arrived) {
    const last = lines.at(-1)
    if (last?.partial && last.stream === stream) {
      lines[lines.length - 1] = { ...last, key: nextKey++, text: last.text + line, partial }
    } else {
      lines.push({ key: nextKey++, text: line, stream, at: timestamp, partial })
    }
  }
  return lines.length > MAX_LINES ? lines.slice(-MAX_LINES) : lines
}

/** Engines cut trailing zeros of the fraction, so the Z has to go before two instants compare as text. */
export function isAfter(instant: string, other: string): boolean {
  return instant.replace('Z', '') > other.replace('Z', '')
}

export function toText(lines: LogLine[], withTimestamps: boolean): string {
  return lines
    .map((line) => (withTimestamps && line.at ? `${line.at} ` : '') + stripAnsi(line.text))
    .join('\n')
    .concat('\n')
}
