import { computed, ref, type Ref, type WritableComputedRef } from 'vue'
import { readChoice, saveChoice } from './storage'

const stored = new Map<string, Ref<string | null>>()

function valueOf(name: string): Ref<string | null> {
  let value = stored.get(name)
  if (!value) stored.set(name, (value = ref(readChoice(name))))
  return value
}

function keep(name: string, text: string) {
  valueOf(name).value = text
  saveChoice(name, text)
}

/** One of `allowed`, remembered in this browser and the same for everybody on the page who asks for this name. */
export function useChoice<T extends string>(name: string, allowed: readonly T[], preset: T): WritableComputedRef<T> {
  return computed({
    get: () => allowed.find((item) => item === valueOf(name).value) ?? preset,
    set: (next) => keep(name, next),
  })
}

/** Any of `allowed`, always in their order; choosing none of them is a choice too. */
export function useChoices<T extends string>(
  name: string,
  allowed: readonly T[],
  preset: readonly T[],
): WritableComputedRef<T[]> {
  return computed({
    get: () => {
      const names = valueOf(name).value?.split(',') ?? preset
      return allowed.filter((item) => names.includes(item))
    },
    set: (next) => keep(name, allowed.filter((item) => next.includes(item)).join(',')),
  })
}
