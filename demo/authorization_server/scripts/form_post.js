// Sends the form of this page, so that the person need not press its button.
document.querySelector("form").submit();
