import { describe, expect, it } from 'vitest'
import { aHeartbeat } from '@/testing/mount'
import { bodyOf, changeOf, draftOf, secondsOf, silenceOf, spanOf } from './draft'
import { wallTime, zones } from './zones'

const kept = () => aHeartbeat({ id: 7, name: 'Backup', slug: 'backup', tags: ['db', 'night'], max_duration_seconds: 5400, failure_keywords: ['ERROR'] })
const scheduled = () => aHeartbeat({ id: 8, name: 'Report', slug: 'report', schedule: '0 9 * * 1-5', timezone: 'Europe/Paris', interval_seconds: 86_400 })

describe('a length as it is typed', () => {
  it.each([
    [null, { amount: '', unit: 'minutes' }],
    [0, { amount: '0', unit: 'minutes' }],
    [90, { amount: '90', unit: 'seconds' }],
    [5400, { amount: '90', unit: 'minutes' }],
    [7200, { amount: '2', unit: 'hours' }],
    [604_800, { amount: '7', unit: 'days' }],
  ])('%s is %o, and back', (seconds, span) => {
    expect(spanOf(seconds)).toEqual(span)
    expect(secondsOf(spanOf(seconds))).toBe(seconds)
  })
})

describe('a new heartbeat', () => {
  it('is the name and the interval; the usual is left to the server', () => {
    expect(bodyOf({ ...draftOf(null), name: ' Backup ' })).toEqual({ name: 'Backup', interval_seconds: 300, grace_seconds: 60 })
  })

  it('by schedule has a zone and no interval', () => {
    const draft = { ...draftOf(null), name: 'Report', kind: 'schedule' as const, schedule: ' 0 9 * * 1-5 ', timezone: 'Europe/Paris' }
    expect(bodyOf(draft)).toEqual({ name: 'Report', schedule: '0 9 * * 1-5', timezone: 'Europe/Paris', grace_seconds: 60 })
  })

  it('takes tags between commas and a text on each line', () => {
    const draft = { ...draftOf(null), name: 'x', tags: ' db, night ,,', failure: 'ERROR\n\n exit 1 ', slug: ' my-job ', expected: '3', postOnly: true }
    expect(bodyOf(draft)).toMatchObject({
      tags: ['db', 'night'], failure_keywords: ['ERROR', 'exit 1'], slug: 'my-job', expected_pings: 3, post_only: true,
    })
  })
})

describe('a change', () => {
  it('is empty when nobody touched anything', () => {
    expect(changeOf(draftOf(kept()), kept())).toEqual({})
    expect(changeOf(draftOf(scheduled()), scheduled())).toEqual({})
  })

  it('says what differs; what was emptied is null, and an empty slug stays', () => {
    const draft = { ...draftOf(kept()), longest: { amount: '', unit: 'hours' as const }, tags: '', slug: '', grace: spanOf(120) }
    expect(changeOf(draft, kept())).toEqual({ max_duration_seconds: null, tags: [], grace_seconds: 120 })
  })

  it('goes from a schedule to an interval, and back', () => {
    const interval = { ...draftOf(scheduled()), kind: 'interval' as const, interval: spanOf(3600) }
    expect(changeOf(interval, scheduled())).toEqual({ schedule: null, interval_seconds: 3600 })
    const schedule = { ...draftOf(kept()), kind: 'schedule' as const, schedule: '@daily', timezone: 'UTC' }
    expect(changeOf(schedule, kept())).toEqual({ schedule: '@daily', timezone: 'UTC' })
  })
})

it('knows after how much silence it rings', () => {
  expect(silenceOf(draftOf(null))).toBe(360)
  expect(silenceOf({ ...draftOf(null), interval: { amount: '', unit: 'hours' } })).toBeNull()
  expect(silenceOf(draftOf(scheduled()))).toBeNull()
})

it('tells the time on a wall elsewhere, but not in a zone that nobody knows', () => {
  expect(zones()).toContain('UTC')
  expect(wallTime('2026-03-29T01:00:00.000Z', 'Europe/Paris', 'en-GB')).toContain('03:00')
  expect(wallTime('2026-03-29T01:00:00.000Z', 'Mars/Olympus', 'en-GB')).toBeNull()
})
