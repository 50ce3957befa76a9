using System.Net;
using ResultsEs.Common;
using StackExchange.Redis;

namespace ResultsEs.Access;

/// <summary>Which Redis nodes share their limits through: <c>ConnectionStrings:redis</c>, in StackExchange.Redis' form.</summary>
internal static class RedisSetting
{
    // Unless the setting says otherwise: how long a request may wait for Redis, and how long the library waits before it doubts the connection.
    private const string Defaults = "asyncTimeout=100,syncTimeout=1000,";

    /// <summary>Reads the setting; null when no Redis is configured.</summary>
    /// <exception cref="StartupException">It cannot be understood. The message does not repeat it, because it may hold a password.</exception>
    public static ConfigurationOptions? Read(IConfiguration configuration)
    {
        if (configuration.GetConnectionString("redis") is not { } text || string.IsNullOrWhiteSpace(text))
            return null;

        var options = Parse(text);
        if (options is not { EndPoints.Count: > 0 } || options.EndPoints.Any(endpoint => endpoint is DnsEndPoint { Host: var host } && Uri.CheckHostName(host) == UriHostNameType.Unknown))
            throw new StartupException("ConnectionStrings__redis is not a connection string that StackExchange.Redis understands, such as localhost:6379,password=….");

        // The service starts without Redis; a lost connection is sought again each second and not, as is the default, ever more seldom.
        options.AbortOnConnectFail = false;
        options.ReconnectRetryPolicy = new LinearRetry(1_000);
        // Nothing waits for a connection: what would be sent when it is back was long answered by then.
        options.BacklogPolicy = BacklogPolicy.FailFast;
        options.IncludeDetailInExceptions = false;
        return options;
    }

    private static ConfigurationOptions? Parse(string text)
    {
        try
        {
            // Before the setting, which overrides it.
            return ConfigurationOptions.Parse(Defaults + text);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            // The error is dropped on purpose: its message quotes parts of the string, which may be those of a password.
            return null;
        }
    }
}
