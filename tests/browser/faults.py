"""Faults that no page may have: it is too wide, breaks a URL, or is not accessible."""

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
  // A URL may continue on the next line after / ? & and ; only.
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const letters = [];
  let block = null;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.parentElement.checkVisibility()) continue;
    let parent = node.parentElement;
    while (getComputedStyle(parent).display === 'inline') parent = parent.parentElement;
    if (parent !== block) letters.push({ letter: ' ' });
    block = parent;
    for (let place = 0; place < node.length; place += 1) {
      letters.push({ letter: node.data[place], node, place });
    }
  }
  const top = ({ node, place }) => {
    const range = document.createRange();
    range.setStart(node, place);
    range.setEnd(node, place + 1);
    return range.getBoundingClientRect().top;
  };
  const text = letters.map(({ letter }) => letter).join('');
  for (const { 0: url, index } of text.matchAll(/\\S*:\\/\\/\\S*/g)) {
    const tops = letters.slice(index, index + url.length).map(top);
    const breaks = [...url].findIndex(
      (letter, place) => tops[place + 1] - tops[place] > 4 && !'/?&;'.includes(letter),
    );
    if (breaks !== -1) faults.push(`breaks a URL inside a word: ${url.slice(0, breaks + 1)}`);
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
