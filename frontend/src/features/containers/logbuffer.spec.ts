import { expect, it } from 'vitest'
import { appendLines, groupLines, isAfter, MAX_LINES, readJson, toText, type StreamedLine } from './logbuffer'

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

it('gathers a stack trace under its first line, each container and output by itself', () => {
  const lines = appendLines([], [
    line('ERROR oops', { container_id: 1 }),
    line('hello', { container_id: 2 }),
    line('  at a', { container_id: 1, continues: true }),
    line('  at b', { container_id: 2, continues: true, stream: 'stderr' }),
  ])
  expect(groupLines(lines).map(({ first, more }) => [first.text, ...more.map(({ text }) => text)])).toEqual([
    ['ERROR oops', '  at a'],
    ['hello'],
    ['  at b'],
  ])
})

it('reads JSON lines, and leaves everything else alone', () => {
  expect(readJson('{"level":"warn","msg":"slow","ms":12,"path":"/a","tags":["x"]}')).toMatchObject({
    message: 'slow',
    fields: [['ms', '12'], ['path', '/a'], ['tags', '["x"]']],
  })
  expect(readJson('\x1b[32m{"event":"ready"}\x1b[0m')?.message).toBe('ready')
  for (const text of ['', 'plain', '{broken', '[1,2]', `{"a":"${'x'.repeat(20_000)}"}`]) expect(readJson(text)).toBeNull()
})
