// In the head, so that a dark page does not flash white.
const prefersDark = matchMedia('(prefers-color-scheme: dark)');
const applyColorScheme = () =>
  document.documentElement.classList.toggle('dark-mode', prefersDark.matches);
prefersDark.addEventListener('change', applyColorScheme);
applyColorScheme();
