import { createPinia, disposePinia, setActivePinia, type Pinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createI18n } from 'vue-i18n'
import { dispatch } from '@/live/live'
import type { LiveEvent } from '@/live/types'
import en from '@/locales/en.json'
import { aHeartbeat } from '@/testing/mount'
import { filterFromQuery, filterToQuery, isFiltering, matches, tagsOf } from './filter'
import { everyText, exactLength, lengthOf } from './length'
import { inOrder, isInTrouble, pingTone } from './standing'
import { useHeartbeats } from './store'
import { punctuality, waitOf, waitText } from './wait'

const { t } = createI18n({ legacy: false, locale: 'en', messages: { en } }).global
const say = (key: string, values: Record<string, unknown> | number) => (typeof values === 'number' ? t(key, values) : t(key, values))

describe('the list', () => {
  it('puts the troubled on top, then what runs, then what is expected next', () => {
    const due = (minute: number) => ({ next_deadline_at: `2026-03-04T09:${minute}:00.000Z` })
    const names = inOrder([
      aHeartbeat({ name: 'asleep', status: 'paused', next_deadline_at: null }),
      aHeartbeat({ name: 'later', ...due(40) }),
      aHeartbeat({ name: 'new', status: 'new', ...due(20) }),
      aHeartbeat({ name: 'running', status: 'started', ...due(50) }),
      aHeartbeat({ name: 'too long', status: 'started', problems: ['overrun'], ...due(55) }),
      aHeartbeat({ name: 'silent', status: 'down', problems: ['deadline_missed'], ...due(10) }),
    ]).map(({ name }) => name)
    expect(names).toEqual(['silent', 'too long', 'running', 'new', 'later', 'asleep'])
  })

  it.each([
    [{ status: 'down' as const }, true],
    [{ status: 'started' as const, problems: ['overrun' as const] }, true],
    [{ status: 'started' as const }, false],
    [{ status: 'paused' as const, problems: ['overrun' as const] }, false],
    [{ status: 'new' as const }, false],
  ])('%o needs a look: %s', (part, expected) => expect(isInTrouble(aHeartbeat(part))).toBe(expected))

  it('judges an exit code by its number', () => {
    const toneOf = (ping_type: 'exit_code' | 'log', exit_code: number | null) => pingTone({ ping_type, exit_code })
    expect([toneOf('exit_code', 0), toneOf('exit_code', 3), toneOf('log', null)]).toEqual(['ok', 'bad', 'idle'])
  })
})

describe('the filter', () => {
  it('survives the way through the address, and forgets what it does not know', () => {
    const query = { q: 'backup', status: 'down,new', tag: 'db' }
    expect(filterToQuery(filterFromQuery(query))).toEqual(query)
    expect(filterFromQuery({ status: 'burning,up' })).toEqual({ search: '', statuses: ['up'], tag: '' })
    expect(isFiltering(filterFromQuery({}))).toBe(false)
  })

  it('finds by every word, by status and by tag', () => {
    const heartbeat = aHeartbeat({ name: 'Säuberung', slug: 'clean-up', tags: ['db', 'night'] })
    const found = (query: Record<string, string>) => matches(heartbeat, filterFromQuery(query))
    expect([found({ q: 'sauberung night' }), found({ q: 'clean' }), found({ q: 'clean nothing' })]).toEqual([true, true, false])
    expect([found({ tag: 'db' }), found({ tag: 'd' }), found({ status: 'up' }), found({ status: 'down' })]).toEqual([true, false, true, false])
    expect(tagsOf([heartbeat, aHeartbeat({ tags: ['a', 'db'] })])).toEqual(['a', 'db', 'night'])
  })
})

describe('a length', () => {
  it.each([
    [0, '0 s'],
    [12.9, '12 s'],
    [60, '1 min'],
    [3599, '59 min'],
    [3600, '1 h'],
    [7800, '2 h 10 min'],
    [86_400 + 4 * 3600 + 60, '1 d 4 h'],
    [86_400 + 60, '1 d'],
  ])('%d counts down as %s', (seconds, text) => expect(lengthOf(seconds, say)).toBe(text))

  it.each([
    [90, '1 min 30 s'],
    [5400, '1 h 30 min'],
    [129_600, '36 h'],
    [172_800, '2 d'],
  ])('%d was chosen as %s', (seconds, text) => expect(exactLength(seconds, say)).toBe(text))

  it.each([
    [60, 'every minute'],
    [300, 'every 5 min'],
    [3600, 'every hour'],
    [86_400, 'every day'],
    [172_800, 'every 2 days'],
    [604_800, 'every week'],
  ])('an interval of %d is %s', (interval_seconds, text) => {
    expect(everyText({ schedule: null, interval_seconds, timezone: 'UTC' }, say)).toBe(text)
  })

  it('leaves a schedule to its own words', () => {
    expect(everyText({ schedule: '0 2 * * *', interval_seconds: 86_400, timezone: 'UTC' }, say)).toBe('0 2 * * *')
  })
})

describe('the countdown', () => {
  const said = (at: string, part = {}) => {
    const wait = waitOf(aHeartbeat(part), Date.parse(`2026-03-04T${at}Z`))
    return wait && `${wait.kind}: ${waitText(wait, say)}`
  }

  it('comes, is late within the grace, and is missed', () => {
    expect(said('09:12:00')).toBe('coming: in 3 min')
    expect(said('09:15:12')).toBe('late: late by 12 s')
    expect(said('09:16:00')).toBe('late: late by 1 min')
    expect(said('11:25:00')).toBe('missed: late by 2 h 10 min')
  })

  it('is silent when nobody waits', () => {
    expect(said('09:12:00', { status: 'paused' })).toBeNull()
    expect(said('09:12:00', { next_deadline_at: null })).toBeNull()
    expect(waitText(null, say)).toBe('')
  })

  it('knows what came in time', () => {
    const came = (at: string) => punctuality(`2026-03-04T${at}Z`, '2026-03-04T09:15:00.000Z', '2026-03-04T09:16:00.000Z')
    expect(came('09:14:50')).toEqual({ kind: 'early', seconds: 10 })
    expect(came('09:15:05')).toEqual({ kind: 'late', seconds: 5 })
    expect(came('09:17:00')).toEqual({ kind: 'missed', seconds: 120 })
  })
})

describe('the store', () => {
  const AT = '2026-03-04T10:00:00.000Z'
  const tell = (type: string, data: object) => dispatch({ type, data: { timestamp: AT, heartbeat_id: 7, ...data }, journalId: 1 } as unknown as LiveEvent)
  const ping = (part: object) => tell('heartbeat.pinged', { exit_code: null, last_ping_at: AT, next_deadline_at: '2026-03-04T10:06:00.000Z', ...part })

  let pinia: Pinia
  beforeEach(() => {
    vi.useFakeTimers()
    setActivePinia((pinia = createPinia()))
  })
  afterEach(() => {
    disposePinia(pinia)
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('takes pings without asking the server', async () => {
    const store = useHeartbeats()
    store.put(aHeartbeat({ id: 7, status: 'down', alert_state: 'alerting', problems: ['deadline_missed'], consecutive_failures: 2 }))
    ping({ ping_type: 'success', status: 'up' })
    await vi.advanceTimersByTimeAsync(400)
    expect(store.byId.get(7)).toMatchObject({
      status: 'up', problems: [], alert_state: 'normal', consecutive_failures: 0,
      last_ping_at: AT, next_expected_at: '2026-03-04T10:05:00.000Z', next_deadline_at: '2026-03-04T10:06:00.000Z',
    })
    ping({ ping_type: 'start', status: 'started' })
    ping({ ping_type: 'exit_code', exit_code: 3, status: 'down' })
    await vi.advanceTimersByTimeAsync(400)
    expect(store.byId.get(7)).toMatchObject({ status: 'down', problems: ['exit_code_failure'], last_exit_code: 3, current_run_started_at: null })
  })

  it('never lets an older ping undo a missed deadline', async () => {
    const store = useHeartbeats()
    store.put(aHeartbeat({ id: 7 }))
    ping({ ping_type: 'log', status: 'up' })
    tell('heartbeat.deadline_missed', { name: 'job', alert_type: 'deadline_missed', previous_status: 'up', deadline_at: AT })
    await vi.advanceTimersByTimeAsync(400)
    expect(store.troubled.map(({ status, problems }) => [status, problems])).toEqual([['down', ['deadline_missed']]])
  })

  it('waits for nothing while paused, and reads when it is awaited again', async () => {
    const fetch = vi.fn(() => Promise.resolve(new Response(JSON.stringify({ heartbeat: aHeartbeat({ id: 7, name: 'again' }), snippets: {} }))))
    vi.stubGlobal('fetch', fetch)
    const store = useHeartbeats()
    store.put(aHeartbeat({ id: 7, status: 'down', problems: ['deadline_missed'] }))
    tell('heartbeat.status_changed', { old_status: 'down', new_status: 'paused' })
    expect(store.byId.get(7)).toMatchObject({ status: 'paused', problems: [], next_deadline_at: null })
    tell('heartbeat.status_changed', { old_status: 'paused', new_status: 'up' })
    await vi.advanceTimersByTimeAsync(1100)
    expect(fetch).toHaveBeenCalledTimes(1)
    expect(store.byId.get(7)?.name).toBe('again')
    tell('heartbeat.deleted', {})
    expect(store.byId.size).toBe(0)
  })

  it('keeps what became known while the list was on its way', async () => {
    let answer: (response: Response) => void = () => {}
    vi.stubGlobal('fetch', () => new Promise<Response>((resolve) => (answer = resolve)))
    const store = useHeartbeats()
    store.put(aHeartbeat({ id: 1 }))
    const loading = store.load()
    store.put(aHeartbeat({ id: 3 }))
    answer(new Response(JSON.stringify({ heartbeats: [aHeartbeat({ id: 2 })], total: 1, has_more: false })))
    await loading
    expect([...store.byId.keys()].sort()).toEqual([2, 3])
  })

  it('stops reading at 5,000, but for those that are down, and says how many are left out', async () => {
    const fetch = vi.fn((url: string) => {
      const down = { heartbeats: [aHeartbeat({ id: 3, status: 'down' }), aHeartbeat({ id: 9001, status: 'down' })], total: 2, has_more: false }
      if (url.includes('status=down')) return Promise.resolve(new Response(JSON.stringify(down)))
      const offset = Number(/offset=(\d+)/.exec(url)?.[1])
      const heartbeats = Array.from({ length: 500 }, (_, index) => aHeartbeat({ id: offset + index + 1 }))
      return Promise.resolve(new Response(JSON.stringify({ heartbeats, total: 7200, has_more: true })))
    })
    vi.stubGlobal('fetch', fetch)
    const store = useHeartbeats()
    await store.load()
    expect([fetch.mock.calls.length, store.byId.size, store.notLoaded]).toEqual([11, 5001, 2199])
  })
})
