import { flushPromises } from '@vue/test-utils'
import { describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import { useLateReads } from './late'

describe('late reads', () => {
  it('let what an event said have the last word over a list that was asked for before it', async () => {
    vi.useFakeTimers()
    const said: string[] = []
    let answer = () => {}
    const readAll = () => new Promise<void>((resolve) => (answer = () => (said.push('list'), resolve())))
    const readOne = (id: number) => Promise.resolve(said.push(`one ${id}`))
    const reads = effectScope().run(() => useLateReads({ readOne, readAll, forget: () => {} }))!

    void reads.load()
    reads.readSoon(7)
    await vi.advanceTimersByTimeAsync(1500)
    expect(said).toEqual([])
    answer()
    await flushPromises()
    expect(said).toEqual(['list', 'one 7'])
    vi.useRealTimers()
  })
})
