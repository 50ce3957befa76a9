// The page's content security policy allows no inline styles, which Scalar's script makes. This gives its style elements the nonce of
// the page, and sets style attributes through the object model, which the policy allows.
(() => {
  const nonce = document.querySelector('meta[property=csp-nonce]').content;
  const { createElement } = Document.prototype;
  const { setAttribute } = Element.prototype;
  const innerHTML = Object.getOwnPropertyDescriptor(Element.prototype, 'innerHTML');

  Document.prototype.createElement = function (...names) {
    const element = createElement.apply(this, names);
    if (element instanceof HTMLStyleElement)
      element.nonce = nonce;
    return element;
  };
  Element.prototype.setAttribute = function (name, value) {
    if (name === 'style' && this.style)
      this.style.cssText = value;
    else
      setAttribute.call(this, name, value);
  };
  Object.defineProperty(Element.prototype, 'innerHTML', {
    ...innerHTML,
    set(html) {
      innerHTML.set.call(this, String(html).replace(/(<[^<>]*\s)style=/g, '$1data-style='));
      for (const element of (this.content ?? this).querySelectorAll('[data-style]')) {
        element.style.cssText = element.getAttribute('data-style');
        element.removeAttribute('data-style');
      }
    },
  });
})();
