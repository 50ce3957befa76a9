namespace ResultsEs.Http;

/// <summary>The address the service listens on, which is also the default issuer of tokens.</summary>
internal static class ListenAddress
{
    public const string Default = "http://localhost:5080/";

    /// <summary>
    /// Sets <see cref="Default"/> unless an address or port is configured. In code, because <c>Urls</c> in appsettings.json would
    /// override ASPNETCORE_URLS.
    /// </summary>
    public static void UseDefault(WebApplicationBuilder builder)
    {
        if (Configured(builder.Configuration) is null)
            builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, Default);
    }

    /// <summary>The first configured address, as a client on this machine writes it; ends with a slash.</summary>
    /// <exception cref="StartupException">It is none.</exception>
    public static Uri First(IConfiguration configuration)
    {
        var address = Configured(configuration) ?? Default;
        try
        {
            return ForClients(address);
        }
        catch (FormatException e)
        {
            throw new StartupException(
                $"ASPNETCORE_URLS: '{address}' is no address to listen on, such as http://localhost:5080 or http://*:5080.", e);
        }
    }

    /// <summary>A listening address, as a client on this machine writes it; ends with a slash.</summary>
    public static Uri ForClients(string listening)
    {
        var address = BindingAddress.Parse(listening);
        var host = address.Host is "*" or "+" or "0.0.0.0" or "[::]" or "" ? "localhost" : address.Host;
        return new Uri($"{address.Scheme}://{host}:{address.Port}{address.PathBase}/");
    }

    // In the order in which ASP.NET Core reads them.
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
