// Sends the form of the page on, so that the person does not have to press its button.
document.querySelector("form").submit();
