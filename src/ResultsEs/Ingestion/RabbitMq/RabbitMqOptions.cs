using System.Globalization;
using System.Text;
using Microsoft.Extensions.Options;
using ResultsEs.TestResults;

namespace ResultsEs.Ingestion.RabbitMq;

/// <summary>Which queues are listened to, and whose they are; section <c>RabbitMq</c>. Used when <c>ConnectionStrings:rabbitmq</c> is set.</summary>
internal sealed class RabbitMqOptions
{
    /// <summary>The section.</summary>
    public const string Section = "RabbitMq";

    /// <summary>The queue of each virtual host.</summary>
    public const string Queue = "results.session-events";

    /// <summary>
    /// The address under which dead letters keep where they came from. The virtual host is in the scheme (RFC 3986: letters, digits, <c>-</c>; no difference
    /// between cases); what a scheme cannot hold is written as its bytes, so that no two virtual hosts share one.
    /// </summary>
    public static Uri AddressOf(string virtualHost)
    {
        var address = new StringBuilder("rabbitmq-");
        foreach (var b in Encoding.UTF8.GetBytes(virtualHost))
        {
            if (char.IsAsciiLetterLower((char)b) || char.IsAsciiDigit((char)b))
                address.Append((char)b);
            else
                address.Append(CultureInfo.InvariantCulture, $"-{b:x2}");
        }

        return new Uri(address.Append("://queue/").Append(Queue).ToString());
    }

    /// <summary>How many messages of a virtual host a node has in hand and not yet acknowledged, 1–1,000. Each may have 4 MiB.</summary>
    public ushort Prefetch { get; init; } = 200;

    /// <summary>The virtual hosts that are listened to, each bound to one account.</summary>
    public List<AccountBinding> Accounts { get; init; } = [];

    /// <summary>
    /// Reads and checks the settings; null when no broker is configured.
    /// </summary>
    /// <exception cref="OptionsValidationException">Something is wrong; each failure names the setting, and none repeats a password.</exception>
    public static RabbitMqOptions? Read(IConfiguration configuration, out Uri broker)
    {
        broker = null!;
        if (configuration.GetConnectionString("rabbitmq") is not { } text || string.IsNullOrWhiteSpace(text))
            return null;

        List<string> failures = [];
        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "amqp" or "amqps")
            broker = uri;
        else
            failures.Add("ConnectionStrings:rabbitmq must be an AMQP URI, such as amqp://user:password@host:5672/virtual-host.");

        var options = configuration.GetSection(Section).Get<RabbitMqOptions>() ?? new RabbitMqOptions();
        if (options.Prefetch is < 1 or > 1_000)
            failures.Add($"{Section}:Prefetch must be from 1 to 1000.");
        if (options.Accounts.Count == 0)
            failures.Add($"{Section}:Accounts is empty; bind each virtual host to the account that may write through it.");

        var hosts = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < options.Accounts.Count; i++)
        {
            var (key, binding) = ($"{Section}:Accounts:{i}", options.Accounts[i]);
            if (broker is not null && !hosts.Add(binding.HostOr(broker)))
                failures.Add($"{key}: another entry has the same VirtualHost; one virtual host writes into one account.");
            if (binding.Account == Guid.Empty)
                failures.Add($"{key}:Account is missing.");
            if (binding.Workspaces.Count == 0 || binding.Workspaces.Contains(Guid.Empty))
                failures.Add($"{key}:Workspaces must hold at least one UUID, and no empty one.");
        }

        return failures.Count == 0 ? options : throw new OptionsValidationException(Section, typeof(RabbitMqOptions), failures);
    }
}

/// <summary>
/// A virtual host and the account that everything published there belongs to. Who may publish there is the broker's
/// business (its users' permissions): no message can name another account.
/// </summary>
internal sealed class AccountBinding
{
    /// <summary>Default: the one of the connection string.</summary>
    public string? VirtualHost { get; init; }

    /// <summary>The tenant.</summary>
    public Guid Account { get; init; }

    /// <summary>The workspaces whose sessions may be written, at least one.</summary>
    public List<Guid> Workspaces { get; init; } = [];

    /// <summary>The virtual host, which an AMQP URI names by its path (RabbitMQ URI specification); without one it is <c>/</c>.</summary>
    public string HostOr(Uri broker) =>
        VirtualHost ?? (broker.AbsolutePath.Length > 1 ? Uri.UnescapeDataString(broker.AbsolutePath[1..]) : "/");
}
