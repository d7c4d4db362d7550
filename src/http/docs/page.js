SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#documentation",
    deepLinking: true,
    displayRequestDuration: true,
    // A token stays in the page's memory: a reload forgets it.
    persistAuthorization: false,
    // Else the page of a server on a public address would ask validator.swagger.io for a badge.
    validatorUrl: null,
});
