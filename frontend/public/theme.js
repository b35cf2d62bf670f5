// Runs before the first paint; lib/theme.ts takes over once the app is up.
;(function () {
  var chosen = null
  try {
    chosen = localStorage.getItem('tocsin.theme')
  } catch {
    // Storage can be forbidden; the system's choice then stands.
  }
  var dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
})()
