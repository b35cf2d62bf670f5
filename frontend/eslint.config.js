import js from '@eslint/js'
import vue from 'eslint-plugin-vue'
import a11y from 'eslint-plugin-vuejs-accessibility'
import { defineConfig } from 'eslint/config'
import ts from 'typescript-eslint'

// Rules that find mistakes. How the code looks is left to those who write it, types are left to vue-tsc.
export default defineConfig(
  { ignores: ['node_modules/', 'public/', 'api-docs/', 'src/api/schema.ts'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  ts.configs.recommended,
  vue.configs['flat/essential'],
  a11y.configs['flat/recommended'],
  {
    files: ['src/**/*.{ts,vue}'],
    languageOptions: {
      parserOptions: { parser: ts.parser, project: './tsconfig.app.json', extraFileExtensions: ['.vue'] },
    },
    rules: {
      // A promise that nobody waits for loses its failure; `void` says that this is meant.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      // Terminals speak in control characters, and we read what they say.
      'no-control-regex': 'off',
      // Watching how a log is scrolled is no control; what acts on a click is still held to its keyboard twin.
      'vuejs-accessibility/no-static-element-interactions': 'off',
      'vuejs-accessibility/label-has-for': ['error', { required: { some: ['nesting', 'id'] } }],
    },
  },
)
