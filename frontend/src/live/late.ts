import { onScopeDispose } from 'vue'
import { ApiError } from '@/api/client'

const GATHER_MS = 1000
/** More news at once than this, and the whole list is read instead. */
const MOST_SINGLE = 5

interface LateReads {
  readOne: (id: number) => Promise<unknown>
  readAll: () => Promise<unknown>
  forget: (id: number) => void
}

/**
 * Reads again what events said is new or changed, a moment later and each once. While the whole list is on its way that
 * waits: what the list says may be older than the event, and must not have the last word.
 */
export function useLateReads({ readOne, readAll, forget }: LateReads) {
  const changed = new Set<number>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let whole: Promise<unknown> | null = null

  async function load() {
    const mine = readAll().finally(() => {
      if (whole === mine) whole = null
    })
    whole = mine
    await mine
  }

  async function read() {
    timer = undefined
    await whole
    const ids = [...changed]
    changed.clear()
    if (ids.length > MOST_SINGLE) {
      await load()
      return
    }
    for (const id of ids) {
      try {
        await readOne(id)
      } catch (cause) {
        if (cause instanceof ApiError && cause.status === 404) forget(id)
      }
    }
  }

  function readSoon(id: number) {
    changed.add(id)
    timer ??= setTimeout(() => void read(), GATHER_MS)
  }

  onScopeDispose(() => clearTimeout(timer))
  return { load, readSoon }
}
