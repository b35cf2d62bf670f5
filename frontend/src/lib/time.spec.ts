import { describe, expect, it } from 'vitest'
import { dayBefore, percent, relative, shortDuration } from './time'

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
