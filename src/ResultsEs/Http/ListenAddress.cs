namespace ResultsEs.Http;

/// <summary>Where the service listens, and the issuer that follows from it.</summary>
internal static class ListenAddress
{
    public const string Default = "http://localhost:5080/";

    /// <summary>
    /// Listens on <see cref="Default"/> unless an address or port is configured. In code, because an <c>Urls</c> entry in
    /// appsettings.json would override ASPNETCORE_URLS.
    /// </summary>
    public static void UseDefault(WebApplicationBuilder builder)
    {
        if (Configured(builder.Configuration) is null)
            builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, Default);
    }

    /// <summary>The first address configured, as a client on this machine would write it, with a slash at the end.</summary>
    public static Uri First(IConfiguration configuration) => ForClients(Configured(configuration) ?? Default);

    /// <summary>An address to listen on as a client on this machine would write it, with a slash at the end.</summary>
    public static Uri ForClients(string listening)
    {
        var address = BindingAddress.Parse(listening);
        var host = address.Host is "*" or "+" or "0.0.0.0" or "[::]" or "" ? "localhost" : address.Host;
        return new Uri($"{address.Scheme}://{host}:{address.Port}{address.PathBase}/");
    }

    // The order in which ASP.NET Core itself reads them.
    private static string? Configured(IConfiguration configuration)
    {
        if (FirstOf(configuration[WebHostDefaults.ServerUrlsKey]) is { } url)
            return url;
        if (FirstOf(configuration[WebHostDefaults.HttpPortsKey]) is { } httpPort)
            return $"http://*:{httpPort}";
        return FirstOf(configuration[WebHostDefaults.HttpsPortsKey]) is { } httpsPort ? $"https://*:{httpsPort}" : null;
    }

    private static string? FirstOf(string? list) =>
        list?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault();
}
