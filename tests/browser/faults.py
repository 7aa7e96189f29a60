"""What is wrong with a page, whatever is on it: it does not fit, or not everybody can use it."""

from playwright.sync_api import Page

_SCRIPT = """
() => {
  const faults = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) {
    const wide = [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > clientWidth)
      .map((element) => element.tagName + '.' + element.className);
    faults.push(`scrolls sideways, ${scrollWidth} in ${clientWidth} px: ${wide.slice(0, 5)}`);
  }
  if (!document.documentElement.lang) faults.push('does not say its language');
  if (!document.title) faults.push('has no title');
  const levels = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
    .filter((heading) => heading.checkVisibility())
    .map((heading) => Number(heading.tagName[1]));
  if (levels.filter((level) => level === 1).length !== 1) faults.push('has no one h1');
  if (levels.some((level, place) => level > (levels[place - 1] ?? 0) + 1)) {
    faults.push(`skips a level of headings: ${levels}`);
  }
  if (document.querySelectorAll('main').length !== 1) faults.push('has no one main part');
  for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
    if (field.labels.length === 0) faults.push(`the field ${field.name} has no label`);
  }
  for (const button of document.querySelectorAll('button, a[href]')) {
    const named = button.textContent.trim() || button.getAttribute('aria-label');
    if (!named) faults.push(`a ${button.tagName} has no name`);
  }
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  if (new Set(ids).size !== ids.length) faults.push('has an id twice');
  return faults;
}
"""


def page_faults(page: Page) -> list[str]:
    """Return a sentence for each."""
    faults: list[str] = page.evaluate(_SCRIPT)
    return faults
