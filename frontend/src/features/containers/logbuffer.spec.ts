import { expect, it } from 'vitest'
import { appendLines, isAfter, MAX_LINES, toText, type StreamedLine } from './logbuffer'

const line = (text: string, part: Partial<StreamedLine> = {}): StreamedLine => ({
  line: text,
  stream: 'stdout',
  timestamp: '2026-03-04T09:15:00.5Z',
  partial: false,
  ...part,
})

it('keeps the newest lines only', () => {
  const lines = appendLines([], Array.from({ length: MAX_LINES + 3 }, (_, n) => line(String(n))))
  expect(lines).toHaveLength(MAX_LINES)
  expect(lines[0]?.text).toBe('3')
})

it('completes a partial line', () => {
  const start = appendLines([], [line('half ', { partial: true })])
  const lines = appendLines(start, [line('whole'), line('next')])
  expect(lines.map(({ text }) => text)).toEqual(['half whole', 'next'])
})

it('does not glue error output to ordinary output', () => {
  const lines = appendLines([], [line('half ', { partial: true }), line('oops', { stream: 'stderr' })])
  expect(lines).toHaveLength(2)
})

it('compares instants of different precision', () => {
  expect(isAfter('2026-03-04T09:15:00.123Z', '2026-03-04T09:15:00.12Z')).toBe(true)
  expect(isAfter('2026-03-04T09:15:00Z', '2026-03-04T09:15:00.1Z')).toBe(false)
})

it('writes a file without colour codes', () => {
  const lines = appendLines([], [line('\x1b[31mbad\x1b[0m')])
  expect(toText(lines, true)).toBe('2026-03-04T09:15:00.5Z bad\n')
})
