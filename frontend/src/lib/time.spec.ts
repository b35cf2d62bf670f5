import { describe, expect, it } from 'vitest'
import { axisMilliseconds, dayBefore, milliseconds, percent, relative, shortDuration, tidyDuration } from './time'

const NOW = Date.parse('2026-03-04T12:00:00Z')

describe('relative', () => {
  it.each([
    ['2026-03-04T11:59:40Z', 'now'],
    ['2026-03-04T11:57:00Z', '3 minutes ago'],
    ['2026-03-03T12:00:00Z', 'yesterday'],
    ['2026-01-04T12:00:00Z', 'last month'],
  ])('%s is %s', (instant, text) => expect(relative(instant, NOW, 'en')).toBe(text))

  it('speaks French', () => expect(relative('2026-03-04T10:00:00Z', NOW, 'fr')).toBe('il y a 2 heures'))
})

it.each([
  [0, '0s'],
  [40, '40s'],
  [600, '10m'],
  [3725, '1h 2m'],
  [180_000, '2d 2h'],
])('shortDuration(%d) is %s', (seconds, text) => expect(shortDuration(seconds)).toBe(text))

it('counts days in UTC', () => expect(dayBefore('2026-03-01', 1, 'en-GB')).toBe('28 Feb'))

it('never rounds up to a perfect score', () => {
  expect(percent(99.9999, 'en')).toBe('99.99%')
  expect(percent(100, 'en')).toBe('100%')
})

it.each([
  [0, '<\u00a01\u00a0ms'],
  [0.42, '<\u00a01\u00a0ms'],
  [1, '1\u00a0ms'],
  [2.46, '2.5\u00a0ms'],
  [12.6, '13\u00a0ms'],
  [1440, '1.44\u00a0s'],
  [10_001, '10\u00a0s'],
])('%d ms is %s', (ms, text) => expect(milliseconds(ms, 'en')).toBe(text))

it('begins an axis with nothing', () => {
  expect(axisMilliseconds(0, 'fr')).toBe('0\u00a0ms')
  expect(axisMilliseconds(0.5, 'fr')).toBe('0,5\u00a0ms')
})

it.each([
  ['30s', '30s'],
  ['1m0s', '1m'],
  ['1h0m0s', '1h'],
  ['1m30s', '1m30s'],
  ['500ms', '500ms'],
  ['0s', '0s'],
])('%s is tidied to %s', (text, tidy) => expect(tidyDuration(text)).toBe(tidy))
