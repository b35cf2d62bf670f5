import { flushPromises } from '@vue/test-utils'
import { expect, it } from 'vitest'
import { effectScope } from 'vue'
import { usePages } from './pages'

/** A server with the rows 1 to `count`, three on a page, newest first. */
function server(count: number) {
  const state = { count }
  const read = (offset: number) => {
    const ids = Array.from({ length: state.count }, (_, index) => state.count - index)
    return Promise.resolve({ rows: ids.slice(offset, offset + 3).map((id) => ({ id })), total: state.count })
  }
  const pages = effectScope().run(() => usePages(read))
  if (!pages) throw new Error('no scope')
  return { state, pages, ids: () => pages.rows.map(({ id }) => id) }
}

it('reads page after page', async () => {
  const { pages, ids } = server(5)
  await flushPromises()
  expect([ids(), pages.hasMore]).toEqual([[5, 4, 3], true])
  await pages.loadMore()
  expect([ids(), pages.hasMore]).toEqual([[5, 4, 3, 2, 1], false])
})

it('lets new rows join on top, each once', async () => {
  const { state, pages, ids } = server(3)
  await flushPromises()
  state.count = 4
  await pages.load()
  expect(ids()).toEqual([4, 3, 2, 1])
})

it('begins anew rather than leaving a hole', async () => {
  const { state, pages, ids } = server(3)
  await flushPromises()
  state.count = 30
  await pages.load()
  expect([ids(), pages.hasMore]).toEqual([[30, 29, 28], true])
})
