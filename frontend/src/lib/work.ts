import { ref, shallowRef } from 'vue'

/** One piece of work at a time, and what went wrong with the last one. */
export function useWork() {
  const busy = ref(false)
  const failure = shallowRef<unknown>(null)

  /** True when it worked. */
  async function run(work: () => Promise<unknown>): Promise<boolean> {
    busy.value = true
    failure.value = null
    try {
      await work()
    } catch (cause) {
      failure.value = cause
    }
    busy.value = false
    return failure.value === null
  }

  return { busy, failure, run }
}
