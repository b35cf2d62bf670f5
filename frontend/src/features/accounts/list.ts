import { ref, shallowRef } from 'vue'
import type { ApiError } from '@/api/client'

/**
 * A list that is read whole, and read again after each change; `act` reports what went wrong in the meantime.
 * `put` and `drop` keep it in step with live events.
 */
export function useList<T extends { id: unknown }>(read: () => Promise<T[]>) {
  const items = shallowRef<T[]>([])
  const loaded = ref(false)
  const busy = ref(false)
  const error = shallowRef<ApiError | null>(null)
  const failure = shallowRef<unknown>(null)

  async function load() {
    try {
      items.value = await read()
      loaded.value = true
      error.value = null
    } catch (cause) {
      error.value = cause as ApiError
    }
  }

  /** Does something and reads the list again; true when it worked. */
  async function act(work: () => Promise<unknown>): Promise<boolean> {
    busy.value = true
    failure.value = null
    try {
      await work()
    } catch (cause) {
      failure.value = cause
    }
    busy.value = false
    await load()
    return failure.value === null
  }

  function put(item: T) {
    const isKnown = items.value.some(({ id }) => id === item.id)
    items.value = isKnown ? items.value.map((one) => (one.id === item.id ? item : one)) : [...items.value, item]
  }

  function drop({ id }: Pick<T, 'id'>) {
    items.value = items.value.filter((one) => one.id !== id)
  }

  void load()
  return { items, loaded, busy, error, failure, load, act, put, drop }
}
