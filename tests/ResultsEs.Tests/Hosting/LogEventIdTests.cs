using System.Reflection;
using Microsoft.Extensions.Logging;
using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.Tests.Hosting;

public sealed class LogEventIdTests
{
    [Fact]
    public void An_event_id_stands_for_one_message()
    {
        var ids = new[] { typeof(Program).Assembly, typeof(Database).Assembly }
            .SelectMany(assembly => assembly.GetTypes())
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()?.EventId)
            .OfType<int>()
            .ToList();

        Assert.NotEmpty(ids);
        Assert.Equal(ids.Distinct().Order(), ids.Order());
    }
}
