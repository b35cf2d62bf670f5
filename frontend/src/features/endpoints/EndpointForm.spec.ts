import { flushPromises } from '@vue/test-utils'
import { afterEach, expect, it, vi } from 'vitest'
import { anEndpoint, mountApp } from '@/testing/mount'
import EndpointForm from './EndpointForm.vue'

afterEach(() => vi.unstubAllGlobals())

const answers = (status: number, body: object) => {
  const fetch = vi.fn<typeof globalThis.fetch>(() => Promise.resolve(new Response(JSON.stringify(body), { status })))
  vi.stubGlobal('fetch', fetch)
  return { fetch, sent: () => JSON.parse(String(fetch.mock.calls.at(-1)?.[1]?.body)) as Record<string, unknown> }
}

it('creates what was filled in and names it after its host', async () => {
  const { fetch, sent } = answers(201, { endpoint: anEndpoint({ id: 31 }) })
  const { wrapper } = await mountApp(EndpointForm)
  await wrapper.get('[name=target]').setValue('https://shop.example/health')
  await wrapper.get('[name=target]').trigger('focusout')
  await wrapper.get('form').trigger('submit')
  await flushPromises()
  expect(fetch.mock.calls[0]?.[0]).toBe('/api/v1/endpoints')
  expect(sent()).toEqual({ name: 'shop.example', target: 'https://shop.example/health', endpoint_type: 'http' })
  expect(wrapper.emitted('saved')?.[0]).toMatchObject([{ id: 31 }])
})

it('offers a name that is replaced by typing another', async () => {
  const { wrapper } = await mountApp(EndpointForm, { attachTo: document.body })
  const name = wrapper.get<HTMLInputElement>('[name=name]').element
  await wrapper.get('[name=target]').setValue('https://shop.example/health')
  wrapper.get<HTMLInputElement>('[name=target]').element.focus()
  name.focus()
  await flushPromises()
  expect([name.value, name.selectionStart, name.selectionEnd]).toEqual(['shop.example', 0, 12])
  wrapper.unmount()
})

it('says a mistake beside its field, and opens what it hides in', async () => {
  answers(400, { error: { code: 'invalid_input', message: 'the pattern has no end', field: 'body_matches' } })
  const { wrapper } = await mountApp(EndpointForm)
  expect(wrapper.get('details').attributes()).not.toHaveProperty('open')
  await wrapper.get('form').trigger('submit')
  await flushPromises()
  expect(wrapper.get('[name=body_matches]').attributes('aria-invalid')).toBe('true')
  expect(wrapper.get('details').attributes()).toHaveProperty('open')
  expect(wrapper.find('[role=alert]').exists()).toBe(false)
})

it('tests before it saves, and shows what was seen', async () => {
  const evidence = { expected: '2xx', got: '503', address: '10.0.0.7:443', http_version: '1.1', headers: { Server: 'nginx' }, body_excerpt: 'oops' }
  const phases = { dns_ms: 1, connect_ms: 2, tls_ms: 9, first_byte_ms: 30, total_ms: 42 }
  const verdict = { success: false, status: 'down', response_time_ms: 42, http_status: 503, error_message: 'status 503, expected 2xx' }
  const { fetch, sent } = answers(200, { ...verdict, phases, evidence })
  const { wrapper } = await mountApp(EndpointForm, { props: { endpoint: anEndpoint({ id: 7, target: 'https://shop.example/' }) } })
  await wrapper.findAll('button').find((button) => button.text() === 'Test it')?.trigger('click')
  await flushPromises()
  expect(fetch.mock.calls[0]?.[0]).toBe('/api/v1/endpoints/try')
  expect(sent()).toEqual({ target: 'https://shop.example/', endpoint_type: 'http', endpoint_id: 7 })
  const trial = wrapper.get('[data-testid=trial]')
  for (const text of ['Down', 'HTTP 503', 'status 503, expected 2xx', '10.0.0.7:443', 'Server: nginx', 'oops']) expect(trial.text()).toContain(text)
  expect(wrapper.emitted('saved')).toBeUndefined()
})
