using System.Net;
using StackExchange.Redis;

namespace ResultsEs.Access;

/// <summary>The setting <c>ConnectionStrings:redis</c>, in StackExchange.Redis' format: where nodes share their rate limits.</summary>
internal static class RedisSetting
{
    // Milliseconds that a request waits for Redis, and that the library waits before it doubts the connection. The setting overrides both.
    private const string Defaults = "asyncTimeout=100,syncTimeout=1000,";

    /// <summary>Reads the setting; null when no Redis is configured.</summary>
    /// <exception cref="StartupException">It is malformed. The message does not repeat it, because it may hold a password.</exception>
    public static ConfigurationOptions? Read(IConfiguration configuration)
    {
        if (configuration.GetConnectionString("redis") is not { } text || string.IsNullOrWhiteSpace(text))
            return null;

        if (Parse(text) is not { EndPoints.Count: > 0 } options
            || options.EndPoints.OfType<DnsEndPoint>().Any(dns => Uri.CheckHostName(dns.Host) == UriHostNameType.Unknown))
            throw new StartupException("ConnectionStrings__redis is not a connection string that StackExchange.Redis understands, "
                + "such as localhost:6379,password=….");

        // The service starts without Redis. A lost connection is retried each second; the default would wait ever longer.
        options.AbortOnConnectFail = false;
        options.ReconnectRetryPolicy = new LinearRetry(1_000);
        // Commands fail at once without a connection: their requests are answered long before it is back.
        options.BacklogPolicy = BacklogPolicy.FailFast;
        options.IncludeDetailInExceptions = false;
        return options;
    }

    private static ConfigurationOptions? Parse(string text)
    {
        try
        {
            return ConfigurationOptions.Parse(Defaults + text);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            // The exception is dropped on purpose: its message quotes the string, which may hold a password.
            return null;
        }
    }
}
