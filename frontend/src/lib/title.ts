import { toValue, watchEffect, type MaybeRefOrGetter } from 'vue'

/** Names the browser tab after the page: "2 problems · Tocsin". */
export function useTitle(title: MaybeRefOrGetter<string>): void {
  watchEffect(() => {
    const text = toValue(title)
    document.title = text ? `${text} · Tocsin` : 'Tocsin'
  })
}
