import { flushPromises } from '@vue/test-utils'
import { describe, expect, it, vi } from 'vitest'
import { safeNext } from '@/router'
import { mountApp } from '@/testing/mount'
import LoginPage from './LoginPage.vue'

async function signIn(status: number, body: object, headers: HeadersInit = {}) {
  vi.stubGlobal('fetch', (_url: string, init?: RequestInit) =>
    Promise.resolve(
      init?.method === 'POST'
        ? new Response(JSON.stringify(body), { status, headers })
        : new Response(JSON.stringify({ required: false })),
    ),
  )
  const { wrapper, router } = await mountApp(LoginPage, {}, '/login?next=/containers?state=exited')
  await wrapper.get('[name=name]').setValue('ada')
  await wrapper.get('[name=password]').setValue('three small words')
  await wrapper.get('form').trigger('submit')
  await flushPromises()
  return { wrapper, router }
}

describe('signing in', () => {
  it('returns to the page that was asked for', async () => {
    const { router } = await signIn(200, { user: { id: 1, name: 'ada', role: 'admin' } })
    expect(router.currentRoute.value.fullPath).toBe('/containers?state=exited')
  })

  it('says that the password is wrong', async () => {
    const { wrapper } = await signIn(401, { error: { code: 'unauthorized', message: 'x' } })
    expect(wrapper.get('[role=alert]').text()).toContain('do not go together')
  })

  it('says how long to wait', async () => {
    const { wrapper } = await signIn(429, { error: { code: 'rate_limited', message: 'x' } }, { 'Retry-After': '30' })
    expect(wrapper.get('[role=alert]').text()).toContain('30 seconds')
  })
})

it('has no form where a reverse proxy signs people in', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(JSON.stringify({ required: false, sign_in: 'proxy' }))))
  const { wrapper } = await mountApp(LoginPage, {}, '/login')
  await flushPromises()
  expect(wrapper.find('form').exists()).toBe(false)
  expect(wrapper.text()).toContain('proxy')
})

it('never leaves for another site', () => {
  expect(safeNext('/containers/3?tab=logs')).toBe('/containers/3?tab=logs')
  for (const next of ['//evil.example', '/\\evil.example', 'https://evil.example', undefined]) expect(safeNext(next)).toBe('/')
})
