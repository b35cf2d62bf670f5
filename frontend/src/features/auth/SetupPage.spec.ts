import { flushPromises } from '@vue/test-utils'
import { describe, expect, it, vi } from 'vitest'
import { mountApp } from '@/testing/mount'
import SetupPage from './SetupPage.vue'

function serve(status: number, body: object) {
  const fetch = vi.fn((_url: string, init?: RequestInit) =>
    Promise.resolve(
      init?.method === 'POST'
        ? new Response(JSON.stringify(body), { status })
        : new Response(JSON.stringify({ required: true })),
    ),
  )
  vi.stubGlobal('fetch', fetch)
  return fetch
}

async function fill(password: string) {
  const { wrapper, router } = await mountApp(SetupPage, {}, '/setup?code=ABCD-EFGH')
  await wrapper.get('[name=name]').setValue('ada')
  await wrapper.get('[name=password]').setValue(password)
  await wrapper.get('form').trigger('submit')
  await flushPromises()
  return { wrapper, router }
}

describe('setting up', () => {
  it('takes the code from the address and goes on to the dashboard', async () => {
    const fetch = serve(201, { user: { id: 1, name: 'ada', role: 'admin' } })
    const { router } = await fill('three small words')
    const post = fetch.mock.calls.find(([, init]) => init?.method === 'POST')
    expect(JSON.parse(String(post?.[1]?.body))).toEqual({ code: 'ABCD-EFGH', name: 'ada', password: 'three small words' })
    expect(router.currentRoute.value.path).toBe('/')
  })

  it('does not send a short password', async () => {
    const fetch = serve(201, {})
    const { wrapper } = await fill('short')
    expect(wrapper.text()).toContain('Please use at least 10 characters.')
    expect(fetch.mock.calls.some(([, init]) => init?.method === 'POST')).toBe(false)
  })

  it('says that the code is wrong next to the code', async () => {
    serve(403, { error: { code: 'forbidden', message: 'No.' } })
    const { wrapper } = await fill('three small words')
    expect(wrapper.get('[name=code]').attributes('aria-invalid')).toBe('true')
    expect(wrapper.text()).toContain('This is not the code from the log.')
  })
})
