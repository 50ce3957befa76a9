namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>Settings of the queues; section <c>RabbitMq</c>. Used when <c>ConnectionStrings:rabbitmq</c> is set.</summary>
internal sealed class RabbitMqOptions
{
    public const string Section = "RabbitMq";

    /// <summary>The name of the queue in each virtual host.</summary>
    public const string Queue = "results.session-events";

    /// <summary>How many messages of a virtual host a node takes before it acknowledges them, 1–1,000.</summary>
    public ushort Prefetch { get; init; } = 200;

    /// <summary>How many MiB of messages of a virtual host a node has in hand, 4–1,024.</summary>
    public ushort PrefetchMebibytes { get; init; } = 32;

    /// <summary>The same in bytes.</summary>
    internal long PrefetchBytes => PrefetchMebibytes * 1024L * 1024;

    /// <summary>The virtual hosts with a queue to listen to, each bound to one account.</summary>
    public List<AccountBinding> Accounts { get; init; } = [];

    /// <summary>The AMQP URI of the broker, with a password; not part of the section. Null: no queue is listened to.</summary>
    internal string? ConnectionString { get; private set; }

    /// <summary>The broker; null when the connection string is absent or invalid.</summary>
    internal Uri? Broker =>
        Uri.TryCreate(ConnectionString, UriKind.Absolute, out var uri) && uri.Scheme is "amqp" or "amqps" ? uri : null;

    /// <summary>
    /// The address of a queue in the dead-letter store. Its scheme holds the virtual host, so no two virtual hosts share one.
    /// Schemes ignore case (RFC 3986), so bytes other than lower-case letters and digits are written in hexadecimal.
    /// </summary>
    public static Uri AddressOf(string virtualHost)
    {
        var name = Encoding.UTF8.GetBytes(virtualHost)
            .Select(b => char.IsAsciiLetterLower((char)b) || char.IsAsciiDigit((char)b) ? $"{(char)b}" : $"-{b:x2}");
        return new Uri($"rabbitmq-{string.Concat(name)}://queue/{Queue}");
    }

    public static void Add(IServiceCollection services, IConfiguration configuration) => services
        .AddSettings<RabbitMqOptions>(configuration.GetSection(Section), Problems)
        .Configure(options => options.ConnectionString = FindConnectionString(configuration));

    public static string? FindConnectionString(IConfiguration configuration) =>
        configuration.GetConnectionString("rabbitmq") is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;

    private static IEnumerable<string> Problems(RabbitMqOptions options)
    {
        if (options.ConnectionString is null)
            yield break;

        var broker = options.Broker;
        if (broker is null)
            yield return "ConnectionStrings:rabbitmq must be an AMQP URI, such as amqp://user:password@host:5672/virtual-host.";
        if (options.Prefetch is < 1 or > 1_000)
            yield return $"{Section}:Prefetch must be from 1 to 1000.";
        if (options.PrefetchMebibytes is < 4 or > 1_024)
            yield return $"{Section}:PrefetchMebibytes must be from 4 to 1024.";
        if (options.Accounts.Count == 0)
            yield return $"{Section}:Accounts is empty; bind each virtual host to the account that may write through it.";

        var hosts = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, binding) in options.Accounts.Index())
        {
            var key = $"{Section}:Accounts:{i}";
            if (broker is not null && !hosts.Add(binding.HostOr(broker)))
                yield return $"{key}: another entry has the same VirtualHost; one virtual host writes into one account.";
            if (binding.Account == Guid.Empty)
                yield return $"{key}:Account is missing.";
            if (binding.Workspaces.Count == 0 || binding.Workspaces.Contains(Guid.Empty))
                yield return $"{key}:Workspaces must hold at least one UUID, and no empty one.";
        }
    }
}

/// <summary>A virtual host and the account of all its messages; none can name another. The broker decides who publishes.</summary>
internal sealed class AccountBinding
{
    /// <summary>Default: the virtual host of the connection string.</summary>
    public string? VirtualHost { get; init; }

    public Guid Account { get; init; }

    /// <summary>The workspaces whose sessions may be written, at least one.</summary>
    public List<Guid> Workspaces { get; init; } = [];

    /// <summary>Who sends, as each event says it. Default: <c>queue</c> and the virtual host.</summary>
    public string? Sender { get; init; }

    /// <summary>The sender of the messages of a virtual host.</summary>
    public string SenderOn(string virtualHost) => string.IsNullOrWhiteSpace(Sender) ? $"queue {virtualHost}" : Sender;

    /// <summary>The virtual host; by default the path of the broker's URI, or <c>/</c> (RabbitMQ URI specification).</summary>
    public string HostOr(Uri broker) =>
        VirtualHost ?? (broker.AbsolutePath.Length > 1 ? Uri.UnescapeDataString(broker.AbsolutePath[1..]) : "/");
}
