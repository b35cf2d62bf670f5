import { stripAnsi } from '@/lib/ansi'

export const MAX_LINES = 3000

export type Level = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
export const LEVELS: Level[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']

export interface LogLine {
  key: number
  containerId: number
  text: string
  stream: 'stdout' | 'stderr'
  /** As the engine wrote it, with nanoseconds; null for lines that were read without one. */
  at: string | null
  partial: boolean
  level: Level | null
  /** Belongs to the entry above, such as the frames of a stack trace. */
  continues: boolean
  /** A remark of ours between lines: how long was left out. */
  gap?: { from: string; to: string }
}

export interface StreamedLine {
  container_id?: number
  line: string
  stream: 'stdout' | 'stderr'
  timestamp: string | null
  partial: boolean
  level?: Level | null
  continues?: boolean
  gap?: { from: string; to: string }
}

let nextKey = 0

/** Adds lines at the end and drops the oldest; a partial line is completed by the next one of its output. */
export function appendLines(known: LogLine[], arrived: StreamedLine[]): LogLine[] {
  const lines = known.slice()
  for (const { line, stream, timestamp, partial, container_id = 0, level = null, continues = false, gap } of arrived) {
    const last = lines.at(-1)
    if (last?.partial && last.stream === stream && last.containerId === container_id) {
      lines[lines.length - 1] = { ...last, key: nextKey++, text: last.text + line, partial }
    } else {
      const added: LogLine = { key: nextKey++, containerId: container_id, text: line, stream, at: timestamp, partial, level, continues }
      lines.push(gap ? { ...added, gap } : added)
    }
  }
  return lines.length > MAX_LINES ? lines.slice(-MAX_LINES) : lines
}

export interface LogEntry {
  first: LogLine
  /** The lines that belong to it. */
  more: LogLine[]
}

/** Gathers lines into entries: what continues goes under the line it belongs to, of the same container and output. */
export function groupLines(lines: LogLine[]): LogEntry[] {
  const entries: LogEntry[] = []
  const last = new Map<string, LogEntry>()
  for (const line of lines) {
    const output = `${line.containerId}/${line.stream}`
    const above = line.continues ? last.get(output) : undefined
    if (above) {
      above.more.push(line)
    } else {
      const entry = { first: line, more: [] }
      entries.push(entry)
      last.set(output, entry)
    }
  }
  return entries
}

export interface JsonLine {
  message: string
  fields: [string, string][]
  pretty: string
}

const MESSAGE_KEYS = ['msg', 'message', 'event', 'text', '@message']
const QUIET_KEYS = new Set(['level', 'lvl', 'severity', 'time', 'ts', 'timestamp', '@timestamp'])
const LONGEST_JSON = 16_384

/** A JSON line as its message and its other fields; null for what is no JSON object. */
export function readJson(text: string): JsonLine | null {
  const trimmed = stripAnsi(text).trim()
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}') || trimmed.length > LONGEST_JSON) return null
  try {
    const value = JSON.parse(trimmed) as Record<string, unknown>
    const key = MESSAGE_KEYS.find((name) => typeof value[name] === 'string')
    const fields = Object.entries(value)
      .filter(([name]) => name !== key && !QUIET_KEYS.has(name))
      .map(([name, field]): [string, string] => [name, typeof field === 'string' ? field : JSON.stringify(field)])
    return { message: key ? String(value[key]) : '', fields, pretty: JSON.stringify(value, null, 2) }
  } catch {
    return null
  }
}

/** Engines cut trailing zeros of the fraction, so the Z has to go before two instants compare as text. */
export function isAfter(instant: string, other: string): boolean {
  return instant.replace('Z', '') > other.replace('Z', '')
}

export function toText(lines: LogLine[], withTimestamps: boolean): string {
  return lines
    .filter((line) => !line.gap)
    .map((line) => (withTimestamps && line.at ? `${line.at} ` : '') + stripAnsi(line.text))
    .join('\n')
    .concat('\n')
}
