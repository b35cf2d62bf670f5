import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { onSignedOut } from './api/client'
import App from './App.vue'
import { i18n, preferredLocale, useLocale } from './lib/i18n'
import { startTheme } from './lib/theme'
import { stopLive } from './live/live'
import { router } from './router'
import './main.css'

async function start() {
  startTheme()
  await useLocale(preferredLocale())
  onSignedOut(() => {
    const { fullPath, meta } = router.currentRoute.value
    if (meta.public) return
    stopLive()
    // A fresh page, so that nothing of the last session stays in memory.
    window.location.replace(fullPath === '/' ? '/login' : `/login?next=${encodeURIComponent(fullPath)}`)
  })
  createApp(App).use(createPinia()).use(i18n).use(router).mount('#app')
}

void start()
