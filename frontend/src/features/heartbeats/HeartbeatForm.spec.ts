import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { aHeartbeat, mountApp } from '@/testing/mount'
import HeartbeatForm from './HeartbeatForm.vue'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const answers = (status: number, body: object) => {
  const fetch = vi.fn<typeof globalThis.fetch>(() => Promise.resolve(new Response(JSON.stringify(body), { status })))
  vi.stubGlobal('fetch', fetch)
  return { fetch, sent: () => JSON.parse(String(fetch.mock.calls.at(-1)?.[1]?.body)) as Record<string, unknown> }
}

const chip = (wrapper: Awaited<ReturnType<typeof mountApp>>['wrapper'], text: string) => wrapper.findAll('.chip').find((one) => one.text() === text)

async function typed() {
  await vi.advanceTimersByTimeAsync(500)
  await flushPromises()
}

it('makes what was chosen', async () => {
  const { fetch, sent } = answers(201, aHeartbeat({ id: 31 }))
  const { wrapper } = await mountApp(HeartbeatForm)
  await wrapper.get('[name=name]').setValue('Backup')
  await chip(wrapper, 'every hour')?.trigger('click')
  expect(wrapper.text()).toContain('It rings when nothing was heard for 1 h 1 min.')
  await wrapper.get('form').trigger('submit')
  await flushPromises()
  expect(fetch.mock.calls[0]?.[0]).toBe('/api/v1/heartbeats')
  expect(sent()).toEqual({ name: 'Backup', interval_seconds: 3600, grace_seconds: 60 })
  expect(wrapper.emitted('saved')?.[0]).toMatchObject([{ id: 31 }])
})

it('shows the next times of a schedule before it is saved, asked for once', async () => {
  const { fetch } = answers(200, {
    schedule: '0 2 * * *', kind: 'cron', timezone: 'Asia/Tokyo', next: ['2026-03-04T17:00:00.000Z'], local: ['2026-03-05T02:00:00+09:00'],
  })
  const { wrapper } = await mountApp(HeartbeatForm)
  await chip(wrapper, 'On a schedule')?.trigger('click')
  await wrapper.get('[name=timezone]').setValue('Asia/Tokyo')
  await wrapper.get('[name=schedule]').setValue('0 2 * *')
  await chip(wrapper, 'every night at 2')?.trigger('click')
  await typed()
  expect(fetch.mock.calls.map(([url]) => url)).toEqual(['/api/v1/heartbeats/preview?schedule=0+2+*+*+*&timezone=Asia%2FTokyo'])
  expect(wrapper.get('[data-testid=preview]').text()).toMatch(/0?2:00.*here/)
})

it('says what is wrong with a schedule beside it, before it is saved', async () => {
  answers(400, { error: { code: 'invalid_input', message: 'schedule: bad day-of-week', field: 'schedule' } })
  const { wrapper } = await mountApp(HeartbeatForm)
  await chip(wrapper, 'On a schedule')?.trigger('click')
  await wrapper.get('[name=schedule]').setValue('0 2 * * 9')
  await typed()
  expect(wrapper.get('[name=schedule]').attributes('aria-invalid')).toBe('true')
  expect(wrapper.text()).toContain('bad day-of-week')
  await chip(wrapper, 'At an interval')?.trigger('click')
  expect(wrapper.find('[aria-invalid=true]').exists()).toBe(false)
})

it('opens what a mistake hides in', async () => {
  answers(400, { error: { code: 'invalid_input', message: 'slug must be shorter', field: 'slug' } })
  const { wrapper } = await mountApp(HeartbeatForm, { props: { heartbeat: aHeartbeat({ id: 7 }) } })
  expect(wrapper.get('details').attributes()).not.toHaveProperty('open')
  await wrapper.get('[name=slug]').setValue('x')
  await wrapper.get('form').trigger('submit')
  await flushPromises()
  expect(wrapper.get('[name=slug]').attributes('aria-invalid')).toBe('true')
  expect(wrapper.get('details').attributes()).toHaveProperty('open')
  expect(wrapper.find('[role=alert]').exists()).toBe(false)
})
