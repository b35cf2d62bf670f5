import { flushPromises } from '@vue/test-utils'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeEventSource } from '@/testing/eventsource'
import { aContainer, mountApp } from '@/testing/mount'
import ContainerLogs from './ContainerLogs.vue'

const line = (text: string, second: number, stream = 'stdout') => ({
  container_id: 3,
  line: text,
  stream,
  timestamp: `2026-03-04T09:15:0${second}.5Z`,
  partial: false,
})

describe('the log', () => {
  beforeEach(() => {
    FakeEventSource.opened = []
    vi.stubGlobal('EventSource', FakeEventSource)
    vi.stubGlobal('requestAnimationFrame', (run: () => void) => (queueMicrotask(run), 1))
  })

  async function open() {
    const { wrapper } = await mountApp(ContainerLogs, { props: { container: aContainer({ id: 3, name: 'api' }) } })
    const texts = () => wrapper.findAll('[data-testid=log-line]').map((row) => row.text())
    const press = (label: string) => wrapper.findAll('button').find((button) => button.text().startsWith(label))?.trigger('click')
    return { wrapper, texts, press }
  }

  it('shows lines as they come and marks error output', async () => {
    const { wrapper, texts } = await open()
    FakeEventSource.last.accept()
    FakeEventSource.last.tell('container.log_line', line('ready', 1))
    FakeEventSource.last.tell('container.log_line', line('oops', 2, 'stderr'))
    await flushPromises()
    expect(texts()).toEqual(['ready', 'Error output:oops'])
    expect(wrapper.text()).toContain('Following the log.')
  })

  it('counts the lines that arrive while paused', async () => {
    const { wrapper, texts, press } = await open()
    FakeEventSource.last.accept()
    FakeEventSource.last.tell('container.log_line', line('one', 1))
    await flushPromises()
    await press('Pause')
    FakeEventSource.last.tell('container.log_line', line('two', 2))
    FakeEventSource.last.tell('container.log_line', line('three', 3))
    await flushPromises()
    expect(texts()).toEqual(['one'])
    expect(wrapper.text()).toContain('2 new lines')
    await press('Follow')
    expect(texts()).toEqual(['one', 'two', 'three'])
  })

  it('goes on without repeating lines after the end', async () => {
    const { wrapper, texts, press } = await open()
    FakeEventSource.last.accept()
    FakeEventSource.last.tell('container.log_line', line('one', 1))
    FakeEventSource.last.tell('container.log_error', { container_id: 3, error: 'The container stopped.', reason: 'ended' })
    await flushPromises()
    expect(wrapper.text()).toContain('The container stopped.')

    await press('Follow again')
    FakeEventSource.last.accept()
    FakeEventSource.last.tell('container.log_line', line('one', 1))
    FakeEventSource.last.tell('container.log_line', line('two', 2))
    await flushPromises()
    expect(FakeEventSource.opened).toHaveLength(2)
    expect(texts()).toEqual(['one', 'two'])
  })

  it('reads the last lines when it cannot follow', async () => {
    const tail = { container_id: 3, container_name: 'api', lines: ['from before'], total_lines: 1, truncated: false }
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(JSON.stringify(tail))))
    const { wrapper, texts } = await open()
    FakeEventSource.last.refuse()
    await flushPromises()
    expect(texts()).toEqual(['from before'])
    expect(wrapper.text()).toContain('These are the last lines')
  })

  it('explains why there is nothing to read', async () => {
    const error = { error: { code: 'runtime_unavailable', message: 'x' } }
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(JSON.stringify(error), { status: 502 })))
    const { wrapper } = await open()
    FakeEventSource.last.refuse()
    await flushPromises()
    expect(wrapper.get('[role=alert]').text()).toContain('The container engine cannot be reached right now.')
  })
})
